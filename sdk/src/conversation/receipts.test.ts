import { describe, expect, it } from "vitest"
import { projectControl } from "../authority/project.js"
import { deviceNamed, Scenario } from "../authority/scenario.js"
import { threadName } from "../log/thread-name.js"
import { messageIdOf, type ControlId } from "../protocol/entry.js"
import type { UserId } from "../protocol/names.js"
import { reachedByAll, ReceiptBook, receiptsOf } from "./receipts.js"

const ann = "ann" as UserId
const bob = "bob" as UserId
const stateOf = (scenario: Scenario) => projectControl(scenario.conversation, scenario.entries)
const LOG = 7
const log = { segment: 1, client: LOG }
const nothing = { delivered: [], read: [], threads: new Map() }
const place = (position: number, seen: readonly ControlId[]) => ({
  copies: [{ ...log, position }],
  thread: undefined,
  seen,
})

/** Ann's conversation with bob, who has two devices, and cat. */
function trip() {
  const scenario = new Scenario({ bob: "member", cat: "member" })
  scenario.introduce("bob#2")
  return { scenario, book: new ReceiptBook() }
}

function note(book: ReceiptBook, device: string, delivered: number, read: number, at: number): boolean {
  return book.note(deviceNamed(device), 1, LOG, { delivered, read }, at)
}

describe("[P8] an own message", () => {
  it("waits for everybody at first, and of each the earliest of their devices counts", () => {
    const { scenario, book } = trip()
    const state = stateOf(scenario)
    const { base } = scenario
    expect(receiptsOf(place(0, [base]), ann, book, state)).toEqual({ delivered: [], read: [], waiting: ["bob", "cat"] })
    note(book, "bob#2", 3, 0, 200)
    note(book, "bob", 3, 3, 100)
    note(book, "cat", 3, 0, 50)
    expect(receiptsOf(place(0, [base]), ann, book, state)).toEqual({
      delivered: [
        { user: "cat", at: 50 },
        { user: "bob", at: 100 },
      ],
      read: [{ user: "bob", at: 100 }],
      waiting: [],
    })
    // The next message stands beyond what they have.
    expect(receiptsOf(place(3, [base]), ann, book, state).waiting).toEqual(["bob", "cat"])
  })

  it("is delivered or read when it is so for all who were to get it", () => {
    const { scenario, book } = trip()
    const { base } = scenario
    const reached = () => reachedByAll(log, place(0, [base]), ann, book, stateOf(scenario))
    note(book, "bob", 6, 3, 1)
    expect(reached()).toEqual({ delivered: 0, read: 0 })
    note(book, "cat", 3, 3, 2)
    expect(reached()).toEqual({ delivered: 3, read: 3 })
    // Eve comes later: what was written before is not for her.
    const added = scenario.add("ann", "eve")
    scenario.introduce("eve", [added])
    expect(reached()).toEqual({ delivered: 3, read: 3 })
    expect(reachedByAll(log, place(0, [added]), ann, book, stateOf(scenario))).toEqual({ delivered: 0, read: 0 })
    // Cat goes: nobody waits for her any more.
    scenario.remove("ann", "cat")
    expect(reached()).toEqual({ delivered: 6, read: 3 })
  })

  it("is never delivered where its author is alone", () => {
    const scenario = new Scenario()
    const book = new ReceiptBook()
    note(book, "ann#2", 9, 9, 1)
    expect(reachedByAll(log, place(0, [scenario.base]), ann, book, stateOf(scenario))).toEqual({
      delivered: 0,
      read: 0,
    })
  })

  it("[P8] leaves out whom its author blocked, in ticks too", () => {
    const { scenario, book } = trip()
    note(book, "bob", 3, 3, 1)
    note(book, "cat", 3, 3, 2)
    const shown = receiptsOf(place(0, [scenario.base]), ann, book, stateOf(scenario), new Set([bob]))
    expect(shown).toEqual({ delivered: [{ user: "cat", at: 2 }], read: [{ user: "cat", at: 2 }], waiting: [] })
    note(book, "cat", 6, 6, 3)
    const reached = (blocked?: ReadonlySet<UserId>) =>
      reachedByAll(log, place(0, [scenario.base]), ann, book, stateOf(scenario), blocked)
    expect([reached(), reached(new Set([bob]))]).toEqual([
      { delivered: 3, read: 3 },
      { delivered: 6, read: 6 },
    ])
  })

  it("is delivered and read where any of its copies is, each in its own place", () => {
    const { scenario, book } = trip()
    const state = stateOf(scenario)
    const twice = {
      copies: [
        { ...log, position: 3 },
        { segment: 2, client: LOG, position: 0 },
      ],
      thread: undefined,
      seen: [scenario.base],
    }
    note(book, "bob", 6, 6, 10)
    note(book, "cat", 3, 3, 20)
    book.note(deviceNamed("cat"), 2, LOG, { delivered: 1, read: 1 }, 30)
    const both = [
      { user: "bob", at: 10 },
      { user: "cat", at: 30 },
    ]
    expect(receiptsOf(twice, ann, book, state)).toEqual({ delivered: both, read: both, waiting: [] })
    expect(receiptsOf(place(3, [scenario.base]), ann, book, state).waiting).toEqual(["cat"])
  })

  it("counts no device that is not introduced", () => {
    const scenario = new Scenario({ bob: "member" })
    scenario.introduce("bob#2", [scenario.base], { certified: false })
    const book = new ReceiptBook()
    note(book, "bob#2", 3, 3, 1)
    expect(receiptsOf(place(0, [scenario.base]), ann, book, stateOf(scenario)).waiting).toEqual(["bob"])
  })
})

describe("[P7] what a device said", () => {
  it("never goes backwards, and says once what is news", () => {
    const book = new ReceiptBook()
    expect(note(book, "bob", 3, 0, 10)).toBe(true)
    expect(note(book, "bob", 3, 0, 20)).toBe(false)
    expect(note(book, "bob", 2, 0, 30)).toBe(false)
    expect(note(book, "bob", 0, 0, 40)).toBe(false)
    const bob = deviceNamed("bob")
    expect(book.of(bob, 1, LOG)).toEqual({ ...nothing, delivered: [{ count: 3, at: 10 }] })
    // Read is delivered too.
    expect(note(book, "bob", 0, 5, 50)).toBe(true)
    expect(book.of(bob, 1, LOG)).toEqual({
      ...nothing,
      delivered: [
        { count: 3, at: 10 },
        { count: 5, at: 50 },
      ],
      read: [{ count: 5, at: 50 }],
    })
    book.forget(bob)
    expect(book.of(bob, 1, LOG)).toEqual(nothing)
  })

  it("of a thread is of its messages alone, and of those outside of threads says nothing", () => {
    const { scenario, book } = trip()
    const bob = deviceNamed("bob")
    const cat = deviceNamed("cat")
    const [thread, other] = [1, 2].map((byte) => threadName(messageIdOf(bob, new Uint8Array(24).fill(byte))))
    const inThread = (position: number, name = thread) => ({ ...place(position, [scenario.base]), thread: name })
    const reached = (name = thread) => reachedByAll(log, inThread(0, name), ann, book, stateOf(scenario))
    expect(book.note(bob, 1, LOG, { delivered: 6, read: 9, threads: new Map([[thread!, 3]]) }, 10)).toBe(true)
    expect(book.note(bob, 1, LOG, { delivered: 9, read: 9, threads: new Map([[thread!, 2]]) }, 20)).toBe(false)
    const receipts = (position: number, name = thread) =>
      receiptsOf(inThread(position, name), ann, book, stateOf(scenario)).read
    expect(receipts(0)).toEqual([{ user: "bob", at: 10 }])
    expect([receipts(3), receipts(0, other)]).toEqual([[], []])
    expect(receiptsOf(place(3, [scenario.base]), ann, book, stateOf(scenario)).read).toEqual([{ user: "bob", at: 10 }])
    // A thread that is not told of any more takes nothing back. What was read in a thread was delivered.
    expect(book.note(bob, 1, LOG, { delivered: 9, read: 9 }, 30)).toBe(false)
    expect(book.note(cat, 1, LOG, { delivered: 0, read: 0, threads: new Map([[thread!, 6]]) }, 40)).toBe(true)
    expect([reached(), reached(other)]).toEqual([
      { delivered: 6, read: 3 },
      { delivered: 6, read: 0 },
    ])
    expect(book.note(bob, 1, LOG, { delivered: 9, read: 9, threads: new Map([[thread!, 6]]) }, 50)).toBe(true)
    expect(reached()).toEqual({ delivered: 6, read: 6 })
  })

  it("is kept in a bounded number of steps: of older messages the next step tells", () => {
    const book = new ReceiptBook()
    for (let count = 1; count <= 40; count++) note(book, "bob", count, 0, count)
    const { delivered } = book.of(deviceNamed("bob"), 1, LOG)
    expect([delivered.length, delivered[0], delivered.at(-1)]).toEqual([32, { count: 9, at: 9 }, { count: 40, at: 40 }])
  })

  it("of threads is kept of no more than the log has messages: the last ones", () => {
    const book = new ReceiptBook()
    const bob = deviceNamed("bob")
    const name = (byte: number) => threadName(messageIdOf(bob, new Uint8Array(24).fill(byte)))
    const say = (at: number, ...bytes: readonly number[]): boolean => {
      const threads = new Map(bytes.map((byte) => [name(byte), at]))
      return book.note(bob, 1, LOG, { delivered: 7, read: 0, threads, held: 7 }, at)
    }
    for (let at = 1; at <= 100; at++) say(at, at)
    expect(Array.from(book.of(bob, 1, LOG).threads.keys())).toEqual([name(98), name(99), name(100)])
    expect(say(101, 98)).toBe(true)
    expect(say(101, 98)).toBe(false)
    expect(Array.from(book.of(bob, 1, LOG).threads.keys())).toEqual([name(99), name(100), name(98)])
  })

  it("is stored by segment, and read again", () => {
    const book = new ReceiptBook()
    const bob = deviceNamed("bob")
    note(book, "bob", 3, 2, 10)
    book.note(bob, 2, LOG, { delivered: 1, read: 0 }, 11)
    const again = new ReceiptBook()
    again.restore(bob, 1, book.segmentOf(bob, 1))
    expect(again.of(bob, 1, LOG)).toEqual(book.of(bob, 1, LOG))
    expect(again.of(bob, 2, LOG)).toEqual(nothing)
    expect(again.segmentOf(bob, 2).size).toBe(0)
  })
})
