import * as fc from "fast-check"
import { describe, expect, it } from "vitest"
import type { MessageId } from "../protocol/entry.js"
import type { DocumentName, LogId, UserId } from "../protocol/names.js"
import { isRead, readBelow, readUpTo as readUpToWhere, unread, type UnreadInput } from "./unread.js"

const me = "alice" as UserId
const document = "c/here/1" as DocumentName
const bob = "bob" as UserId
const none = new Map()

function message(id: string, log: string, position: number, more: Partial<UnreadInput> = {}): UnreadInput {
  const copies = [{ document, log: log as LogId, position }]
  return { id: id as MessageId, author: bob, mentionsMe: false, thread: undefined, copies, ...more }
}

/** Where nothing was read before. */
function readUpTo(messages: readonly UnreadInput[], upTo: MessageId) {
  return readUpToWhere(messages, upTo, () => false)
}

function state(
  read: ReadonlyMap<DocumentName, ReadonlyMap<LogId, number>> = new Map(),
  mark?: string,
  hidden?: string,
  history = "",
) {
  return {
    user: me,
    isRead: (input: UnreadInput) => isRead(input, (name, log) => read.get(name)?.get(log) ?? 0),
    isFor: ({ id }: UnreadInput) => !history.includes(id),
    isShown: ({ id }: UnreadInput) => id !== hidden,
    markOf: () => mark as MessageId | undefined,
  }
}

describe("unread messages", () => {
  const messages = [message("a", "x", 0), message("b", "y", 0), message("c", "x", 2), message("d", "y", 3)]

  it("[U10] are those of others beyond what was read", () => {
    const own = message("own", "z", 0, { author: me })
    const mention = message("e", "y", 5, { mentionsMe: true })
    expect(unread([...messages, own, mention], state())).toEqual({
      count: 5,
      mentions: 1,
      late: [],
      first: "a",
      threads: none,
    })
    const read = readUpTo(messages, "b" as MessageId)
    expect(unread([...messages, own, mention], state(read))).toEqual({
      count: 3,
      mentions: 1,
      late: [],
      first: "c",
      threads: none,
    })
    expect(unread([], state())).toEqual({ count: 0, mentions: 0, late: [], first: undefined, threads: none })
  })

  it("[U10] that are not for the user are history: not unread, not late, and nothing is late for them", () => {
    const ofHistory = (read?: Parameters<typeof state>[0], mark?: string) => state(read, mark, undefined, "ac")
    const mention = message("c", "x", 2, { mentionsMe: true })
    const all = messages.map((one) => (one.id === "c" ? mention : one))
    expect(unread(all, ofHistory())).toEqual({ count: 2, mentions: 0, late: [], first: "b", threads: none })
    // Read up to the last one, but for what came since.
    const but = (id: string) =>
      readUpTo(
        all.filter((one) => one.id !== id),
        "d" as MessageId,
      )
    expect(unread(all, ofHistory(but("a")))).toMatchObject({ count: 0, late: [], first: undefined })
    expect(unread([all[1]!, message("x", "w", 0), ...all.slice(2)], ofHistory(but("x")))).toMatchObject({ late: ["x"] })
    // What was read of it was read as all else.
    const upToC = readUpTo(
      all.filter(({ id }) => id !== "b"),
      "c" as MessageId,
    )
    expect(unread(all, ofHistory(upToC))).toMatchObject({ count: 2, late: ["b"], first: "b" })
    // Who wants it to be unread has it so.
    expect(unread(all, ofHistory(undefined, "c"))).toEqual({
      count: 3,
      mentions: 1,
      late: [],
      first: "b",
      threads: none,
    })
  })

  it("[U10] that arrive late, below what was read, are unread and listed as late", () => {
    const read = readUpTo(messages, "d" as MessageId)
    const [a, b, c, d] = messages
    const late = message("late", "w", 0)
    const all = [a, late, b, c, d].flatMap((one) => one ?? [])
    expect(unread(all, state(read))).toEqual({ count: 1, mentions: 0, late: ["late"], first: "late", threads: none })
    expect(unread(all, state(readUpTo(all, "d" as MessageId))).count).toBe(0)
  })

  describe("[U10] of a log whose clocks do not ascend, as each tab of a device has its own", () => {
    // In the order of clocks; `ahead` was sealed before `behind`.
    const [before, behind, own, ahead] = [
      message("before", "x", 0),
      message("behind", "x", 4),
      message("own", "z", 0, { author: me }),
      message("ahead", "x", 2),
    ] as const
    const all = [before, behind, own, ahead]

    it("are read no further than to what stands behind the message that was read", () => {
      const read = readUpTo(all, own.id)
      expect(unread(all, state(read))).toMatchObject({ count: 2, first: "behind" })
      expect(unread(all, state(readUpTo(all, ahead.id))).count).toBe(0)
    })

    it("are read to the last, where what stands behind was read before", () => {
      const readBefore = readUpToWhere(all, behind.id, ({ id }) => id === ahead.id)
      expect(unread(all, state(readBefore)).count).toBe(0)
    })

    it("pass over nothing that stands behind what was read while a device caught up", () => {
      const below = readBelow(all, { isRead: ({ id }) => id === own.id, isReadHere: ({ id }) => id === own.id })
      expect(unread(all, state(below.get(undefined)))).toMatchObject({ count: 2, first: "behind" })
    })

    it("pass over all of it below what was read while a device caught up", () => {
      const below = readBelow(all, { isRead: () => false, isReadHere: ({ id }) => id === ahead.id })
      expect(unread(all.slice(0, 3), state(below.get(undefined)))).toMatchObject({ count: 0 })
    })
  })

  it("[U10] are read once any copy is read", () => {
    const copies = [
      { document, log: "new" as LogId, position: 0 },
      { document, log: "x" as LogId, position: 2 },
    ]
    const read = readUpTo(messages, "c" as MessageId)
    expect(unread([message("c", "x", 2, { copies })], state(read)).count).toBe(0)
  })

  it("[U10] begin again at a mark that is hidden itself", () => {
    const all = readUpTo(messages, "d" as MessageId)
    expect(unread(messages, state(all, "c", "c"))).toMatchObject({ count: 1, first: "d" })
    expect(unread(messages, state(none, undefined, "a"))).toMatchObject({ count: 3, first: "b" })
  })

  it("[U10] begin again at a mark, which makes none of them late", () => {
    const read = readUpTo(messages, "d" as MessageId)
    expect(unread(messages, state(read, "c"))).toEqual({ count: 2, mentions: 0, late: [], first: "c", threads: none })
    expect(unread(messages, state(read, "gone")).count).toBe(0)
  })

  it("[U10] are what a bookkeeper counts who knows when each message came, after every step", () => {
    const step = fc.oneof(
      fc.record({ kind: fc.constant("arrive" as const), at: fc.nat(1000), log: fc.nat(4), own: fc.boolean() }),
      fc.record({ kind: fc.constant("read" as const), at: fc.nat(1000) }),
    )
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        // A log's clocks ascend; logs arrive in pieces of their own, so that anything may come late.
        const all: { input: UnreadInput; clock: number; seen: boolean }[] = []
        const ends = new Map<number, { clock: number; position: number }>()
        const read = new Map<DocumentName, Map<LogId, number>>()
        steps.forEach((what, index) => {
          const shown = all.sort((a, b) => a.clock - b.clock)
          if (what.kind === "read" && shown.length > 0) {
            const last = what.at % shown.length
            const upTo = shown[last]?.input.id ?? ("" as MessageId)
            for (const entry of shown.slice(0, last + 1)) entry.seen = true
            for (const [name, counts] of readUpTo(
              shown.map(({ input }) => input),
              upTo,
            )) {
              const before = read.get(name) ?? new Map<LogId, number>()
              for (const [log, count] of counts) before.set(log, Math.max(before.get(log) ?? 0, count))
              read.set(name, before)
            }
          } else if (what.kind === "arrive") {
            const end = ends.get(what.log) ?? { clock: what.log / 10, position: 0 }
            const clock = end.clock + 1 + what.at
            ends.set(what.log, { clock, position: end.position + 2 })
            const author = what.own ? me : bob
            const input = message(`m${String(index)}`, `log${String(what.log)}`, end.position, { author })
            all.push({ input, clock, seen: false })
          }
          all.sort((a, b) => a.clock - b.clock)
          const expected = all.filter(({ input, seen }) => input.author === bob && !seen).map(({ input }) => input.id)
          const newest = all.map(({ input, seen }) => input.author === bob && seen).lastIndexOf(true)
          const late = all.slice(0, Math.max(newest, 0)).filter(({ input }) => expected.includes(input.id))
          expect(
            unread(
              all.map(({ input }) => input),
              state(read),
            ),
          ).toEqual({
            count: expected.length,
            mentions: 0,
            late: late.map(({ input }) => input.id),
            first: expected[0],
            threads: none,
          })
        })
      }),
    )
  })
})
