/* The recorder of the chaos runs finds what it is there to find. */
import { expect, it } from "vitest"
import { Recorder } from "./recorder.js"

const a = { author: "alice", text: "1 from alice" }
const b = { author: "bob", text: "2 from bob" }

function typedTwo(): Recorder {
  const recorder = new Recorder()
  recorder.type(a.text, "trip", 0, "alice")
  recorder.type(b.text, "trip", 1, "bob")
  return recorder
}

it("accepts a list that holds all, whatever else became of it", () => {
  const recorder = typedTwo()
  recorder.reach(a.text, "sent")
  recorder.reach(b.text, "rejected")
  recorder.demandAll("server 0", "trip", "carol", [a])
  recorder.demandSettled()
  expect(recorder.violations).toEqual([])
  expect(recorder.counts).toMatchObject({ sent: 1, rejected: 1, typed: 0 })
})

it("finds what was acknowledged and is lost", () => {
  const recorder = typedTwo()
  recorder.reach(a.text, "sent")
  recorder.demandAll("server 0", "trip", "carol", [b])
  expect(recorder.violations).toEqual(["server 0 lacks what was acknowledged: 1 from alice"])
})

it("finds what was shown to others and is gone", () => {
  const recorder = typedTwo()
  recorder.show("client 1", "trip", "bob", [a, b])
  recorder.demandAll("server 0", "trip", "carol", [])
  expect(recorder.violations).toEqual(["server 0 lacks what others were shown: 1 from alice"])
})

it("finds what is shown twice, under another name, in another place, or out of nowhere", () => {
  const recorder = typedTwo()
  recorder.show("c", "trip", "carol", [a, a])
  recorder.show("c", "trip", "carol", [{ author: "bob", text: a.text }])
  recorder.show("c", "work", "carol", [a])
  recorder.show("c", "trip", "carol", [{ author: "bob", text: "forged" }])
  expect(recorder.violations.map((text) => text.split(":")[0])).toEqual([
    "c shows twice",
    "c shows what nobody typed there",
    "c shows what nobody typed there",
    "c shows what nobody typed there",
  ])
})

it("finds what nobody hears of again, unless its process died before it was durable", () => {
  const recorder = typedTwo()
  recorder.died(new Set([0]))
  recorder.reach(b.text, "saved")
  recorder.died(new Set([1]))
  recorder.demandSettled()
  expect(recorder.violations).toEqual(["neither acknowledged nor rejected, but saved: 2 from bob"])
})

it("finds an acknowledgement that is taken back", () => {
  const recorder = typedTwo()
  recorder.reach(a.text, "sent")
  recorder.reach(a.text, "saved")
  expect(recorder.counts).toMatchObject({ sent: 1 })
  recorder.reach(a.text, "rejected")
  expect(recorder.violations).toEqual(["acknowledged, then rejected: 1 from alice"])
})
