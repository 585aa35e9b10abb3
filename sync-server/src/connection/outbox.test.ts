import { expect, it } from "vitest"
import { Backlog } from "./backlog.js"
import { Outbox, type Sink } from "./outbox.js"

/** A network that takes what it is told to take. */
function makeSink() {
  const queued: { bytes: number; sent: () => void }[] = []
  const calls: string[] = []
  const sink: Sink = {
    get bufferedAmount() {
      return queued.reduce((sum, { bytes }) => sum + bytes, 0)
    },
    send: (bytes, sent) => {
      calls.push("send")
      queued.push({ bytes: bytes.length, sent })
    },
    cork: () => calls.push("cork"),
    uncork: () => calls.push("uncork"),
  }
  return { sink, calls, deliver: () => queued.shift()?.sent() }
}

function makeOutbox() {
  const network = makeSink()
  const turns: (() => void)[] = []
  let slow = 0
  const outbox = new Outbox(network.sink, {
    maxUnsentBytes: 100,
    defer: (call) => turns.push(call),
    onTaken: () => undefined,
    onSlow: () => {
      slow++
    },
  })
  const endTurn = (): void => {
    for (const call of turns.splice(0)) call()
  }
  return { outbox, endTurn, slow: () => slow, ...network }
}

it("writes what one turn brings at once", () => {
  const { outbox, calls, endTurn } = makeOutbox()
  outbox.send(new Uint8Array(10))
  outbox.send(new Uint8Array(10))
  expect(calls).toEqual(["cork", "send", "send"])
  endTurn()
  expect(calls).toEqual(["cork", "send", "send", "uncork"])
})

it("[S10] lets a reader go that leaves too much unread, once", async () => {
  const { outbox, slow, calls } = makeOutbox()
  outbox.send(new Uint8Array(90))
  const waiting = outbox.drained()
  outbox.send(new Uint8Array(11))
  outbox.send(new Uint8Array(11))
  expect(slow()).toBe(1)
  expect(calls.filter((call) => call === "send").length).toBe(1)
  expect(outbox.unsentBytes).toBe(0)
  await waiting
})

it("waits for room before it answers at length", async () => {
  const { outbox, deliver } = makeOutbox()
  await outbox.drained()
  outbox.send(new Uint8Array(20))
  outbox.send(new Uint8Array(20))
  let drained = false
  const waiting = outbox.drained().then(() => {
    drained = true
  })
  await Promise.resolve()
  expect(drained).toBe(false)
  deliver()
  await waiting
})

it("reads no further while too much is under way", async () => {
  const calls: string[] = []
  // Each frame counts a KiB more than it has.
  const backlog = new Backlog(2_200, { pause: () => calls.push("pause"), resume: () => calls.push("resume") })
  const ends: (() => void)[] = []
  const work = (): Promise<void> => backlog.hold(60, () => new Promise((resolve) => ends.push(resolve)))
  const all = [work(), work(), work()]
  expect(calls).toEqual(["pause"])
  ends[0]?.()
  await all[0]
  expect(calls).toEqual(["pause"])
  let idle = false
  const settled = backlog.idle().then(() => {
    idle = true
  })
  ends[1]?.()
  await all[1]
  expect(idle).toBe(false)
  ends[2]?.()
  await Promise.all(all)
  expect(calls).toEqual(["pause", "resume"])
  await settled
  await expect(backlog.hold(1, () => Promise.reject(new Error("no")))).rejects.toThrow("no")
  await backlog.idle()
})

it("reads no further while many small frames wait, each of which takes more memory than its bytes", async () => {
  const calls: string[] = []
  const backlog = new Backlog(100_000, { pause: () => calls.push("pause"), resume: () => calls.push("resume") })
  const ends: (() => void)[] = []
  const all = Array.from({ length: 100 }, () =>
    backlog.hold(3, () => new Promise<void>((resolve) => ends.push(resolve))),
  )
  expect(calls).toEqual(["pause"])
  for (const end of ends) end()
  await Promise.all(all)
  expect(calls).toEqual(["pause", "resume"])
})
