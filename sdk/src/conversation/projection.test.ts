import fc from "fast-check"
import { describe, expect, it } from "vitest"
import type { Entry } from "../log/check.js"
import type { ErasedKind, EraseRecord } from "../log/erasure.js"
import { encodeBody, hashBody, messageIdOf, type BodyHash, type Clock, type MessageId } from "../protocol/entry.js"
import {
  logIdOf,
  segmentDocument,
  type ConversationId,
  type DeviceId,
  type DocumentName,
  type UserId,
} from "../protocol/names.js"
import { freshSalt } from "../log/scenario.js"
import { erasuresOf } from "./erasures.js"
import type { Message } from "./message.js"
import type { Erasure, ProjectionPorts } from "./node.js"
import { Projection } from "./projection.js"
import { encodeSaid, type Said } from "./said.js"

const conversation = "A".repeat(24) as ConversationId
const device = (letter: string): DeviceId => letter.repeat(24) as DeviceId
const users: Readonly<Record<string, string>> = { B: "bob", C: "cat", D: "bob" }
const [bob, cat, bob2] = [device("B"), device("C"), device("D")]
const one = segmentDocument(conversation, 1)
const nothing = { mentions: [], replyTo: undefined, thread: undefined, forwardedFrom: undefined }

class World {
  readonly entries: { document: DocumentName; entry: Entry }[] = []
  readonly records: EraseRecord[] = []
  private clock = 1_000_000

  say(author: DeviceId, said: Exclude<Said, { kind: "unknown" }>, document = one, at?: number): MessageId {
    const entryClass = said.kind === "reaction" ? "reaction" : "message"
    return this.write(author, encodeBody(freshSalt(), encodeSaid(said)), document, at, entryClass)
  }

  message(
    author: DeviceId,
    text: string,
    more: Partial<Extract<Said, { kind: "message" }>> = {},
    document = one,
  ): MessageId {
    return this.say(author, { kind: "message", text, ...nothing, ...more }, document)
  }

  edit(author: DeviceId, of: MessageId, text: string, seen: readonly MessageId[] = []): MessageId {
    return this.say(author, { kind: "edit", of, text, seen: seen.map(hashOf), undoes: undefined, mentions: [] })
  }

  react(author: DeviceId, of: MessageId, emoji: string, on = true, at?: number): MessageId {
    return this.say(author, { kind: "reaction", of, emoji, on }, one, at)
  }

  write(
    author: DeviceId,
    body: Uint8Array,
    document = one,
    at = this.clock++,
    entryClass: "message" | "reaction" = "message",
  ): MessageId {
    const bodyHash = hashBody(body)
    const head = { class: entryClass, clock: at as Clock, bodyHash, seen: [] }
    const log = logIdOf(author, Uint8Array.of(0, 0, 1))
    const place = { log, device: author, position: this.entries.length * 2, control: undefined }
    this.entries.push({ document, entry: { ...place, head, body, seen: [], firstSeen: [] } })
    return messageIdOf(author, bodyHash)
  }

  /** The same entry again, in another log of its device. */
  copy(index: number): void {
    const item = this.entries[index]
    if (item === undefined) return
    const { entry, document } = item
    this.entries.push({ document, entry: { ...entry, log: logIdOf(entry.device, Uint8Array.of(0, 0, 0)) } })
  }

  erase(by: DeviceId, id: MessageId, kind: ErasedKind = "message"): void {
    const target = this.entries.find(({ entry }) => messageIdOf(entry.device, entry.head.bodyHash) === id)?.entry
    if (target === undefined) throw new Error("no such entry")
    const publicKey = new Uint8Array(32).fill(by.charCodeAt(0))
    this.records.push({
      target: target.device,
      bodyHash: target.head.bodyHash,
      kind,
      publicKey,
      clock: this.clock++ as Clock,
      seen: [],
      signature: new Uint8Array(64),
    })
  }

  /** Batches in this order; `holes`: whoever comes late never sees an erased body. */
  project(order: readonly number[] = this.entries.map((_, index) => index), holes = false, batch = 3): Projection {
    const erasures = erasuresOf(this.records)
    const projection = new Projection(ports(erasures))
    for (let at = 0; at < order.length; at += batch) {
      for (const index of order.slice(at, at + batch)) {
        const item = this.entries[index]
        if (item === undefined) continue
        const id = messageIdOf(item.entry.device, item.entry.head.bodyHash)
        const entry = holes && erasures.has(id) ? { ...item.entry, body: null } : item.entry
        projection.add(item.document, [entry])
      }
    }
    return projection
  }
}

function ports(erasures: ReadonlyMap<MessageId, Erasure>): ProjectionPorts {
  return {
    user: "bob" as UserId,
    device: device("Z"),
    authorOf: (of) => users[of.charAt(0)] as UserId | undefined,
    acknowledged: () => 0,
    receivedBy: () => undefined,
    erasureOf: (_, id) => erasures.get(id),
    isDurable: () => true,
    hasSegment: (segment) => segment <= 2,
  }
}

function hashOf(id: MessageId): BodyHash {
  return id.slice(25) as BodyHash
}

function only(world: World): unknown {
  const { items } = world.project()
  expect(items).toHaveLength(1)
  return items[0]
}

describe("edits", () => {
  it("[M4] what was forwarded is not edited: nobody gives another's words a text of their own", () => {
    const world = new World()
    const id = world.message(bob, "cat's words", { forwardedFrom: "cat" as UserId })
    world.edit(bob, id, "bob's words")
    expect(only(world)).toMatchObject({ id, text: "cat's words", edited: undefined, forwardedFrom: "cat" })
    expect(world.project().history(id)).toMatchObject([{ text: "cat's words" }])
  })
  it("[M4] the author's edits count, another's do not; the list says when and how often", () => {
    const world = new World()
    const id = world.message(bob, "hello")
    const first = world.edit(bob, id, "hello there")
    world.edit(bob2, id, "hello you there", [first])
    world.edit(cat, id, "nonsense")
    expect(only(world)).toMatchObject({ id, text: "hello you there", edited: { count: 2 } })
    expect(
      world
        .project()
        .history(id)
        .map(({ text }) => text),
    ).toEqual(["hello", "hello there", "hello you there"])
  })

  it("[M5] two devices that edit without knowing of one another both have their way", () => {
    const world = new World()
    const id = world.message(bob, "we meet at noon")
    const [a, b] = [world.edit(bob, id, "we all meet at noon"), world.edit(bob2, id, "we meet at noon sharp")]
    expect(only(world)).toMatchObject({ text: "we all meet at noon sharp" })
    expect(world.project().editHeads(id)).toEqual([a, b].map(hashOf))
    world.edit(bob2, id, "all at noon sharp", [a, b])
    expect(only(world)).toMatchObject({ text: "all at noon sharp" })
  })

  it("[M5] several, criss-cross", () => {
    const world = new World()
    const id = world.message(bob, "a b c d")
    const [x, y] = [world.edit(bob, id, "1 b c d"), world.edit(bob2, id, "a b c 4")]
    world.edit(bob, id, "1 2 c 4", [x, y])
    world.edit(bob2, id, "1 b 3 4", [x, y])
    world.edit(bob2, id, "a b c d e", [])
    expect(only(world)).toMatchObject({ text: "1 2 3 4 e" })
  })

  it("[M5] edits are merged once: a reaction leaves the text as it is, another edit does not", () => {
    const world = new World()
    const id = world.message(bob, "noon, @cat")
    const mention = { length: 4, user: "cat" as UserId }
    const edit = { kind: "edit", of: id, seen: [], undoes: undefined } as const
    world.say(bob, { ...edit, text: "at noon, @cat", mentions: [{ ...mention, start: 9 }] })
    world.say(bob2, { ...edit, text: "noon sharp, @cat", mentions: [{ ...mention, start: 12 }] })
    const projection = world.project()
    const shown = (): Message | undefined => {
      projection.add(
        one,
        [world.entries.at(-1)?.entry].flatMap((entry) => entry ?? []),
      )
      return projection.get(id)
    }
    const before = shown()
    expect(before).toMatchObject({ text: "at noon sharp, @cat", mentions: [{ ...mention, start: 15 }] })
    world.react(cat, id, "👍")
    const reacted = shown()
    expect(reacted?.reactions).toHaveLength(1)
    // Each merge makes a list of its own.
    expect(reacted?.mentions).toBe(before?.mentions)
    world.edit(bob, id, "noon, @cat!")
    expect(shown()?.text).toBe("at noon sharp, @cat!")
  })

  it("[M4] the first 256 count", () => {
    const world = new World()
    const id = world.message(bob, "0")
    let before: MessageId[] = []
    for (let index = 1; index <= 300; index++) before = [world.edit(bob, id, String(index), before)]
    expect(only(world)).toMatchObject({ text: "256", edited: { count: 256 } })
  })
})

describe("reactions", () => {
  it("[M6] for each user and emoji the last word counts; who came first stands first", () => {
    const world = new World()
    const id = world.message(bob, "hello")
    world.react(cat, id, "👍")
    world.react(bob2, id, "👍")
    world.react(cat, id, "🎉")
    world.react(cat, id, "👍", false)
    expect(only(world)).toMatchObject({
      reactions: [
        { emoji: "👍", users: ["bob"], own: true },
        { emoji: "🎉", users: ["cat"], own: false },
      ],
    })
    // Two devices of one user at one moment: the greater device has the last word, on every replica.
    world.react(bob, id, "👍", false, 9_000_000)
    world.react(bob2, id, "👍", true, 9_000_000)
    expect(only(world)).toMatchObject({ reactions: [{ emoji: "🎉" }, { emoji: "👍", users: ["bob"] }] })
  })

  it("[M6] at most 64 emoji are shown; what is none counts for nothing", () => {
    const world = new World()
    const id = world.message(bob, "hello")
    for (let index = 0; index < 70; index++) world.react(cat, id, String.fromCodePoint(0x1f600 + index))
    const none = ["", "a\n", "text", "\u202e", "7", "👍👍", "👍 ", "x".repeat(65), `👍${"\u200d👍".repeat(9)}`]
    for (const emoji of none) world.react(cat, id, emoji)
    expect(only(world)).toHaveProperty("reactions.length", 64)
  })
})

describe("classes", () => {
  const body = (said: Parameters<typeof encodeSaid>[0]): Uint8Array => encodeBody(freshSalt(), encodeSaid(said))

  it("[M6] a reaction in a message's place says nothing, nor does anything else in a reaction's, whatever comes first", () => {
    const world = new World()
    const id = world.message(bob, "hello")
    const reaction = body({ kind: "reaction", of: id, emoji: "👍", on: true })
    const text = body({ kind: "message", text: "announced", ...nothing })
    const edit = body({ kind: "edit", of: id, text: "changed", seen: [], undoes: undefined, mentions: [] })
    world.write(cat, reaction, one, undefined, "message")
    world.write(cat, text, one, undefined, "reaction")
    world.write(bob, edit, one, undefined, "reaction")
    world.write(cat, encodeBody(freshSalt(), 7), one, undefined, "reaction")
    expect(only(world)).toMatchObject({ text: "hello", reactions: [], edited: undefined })
    // The same words by the same device, in both places.
    world.write(cat, reaction, one, undefined, "reaction")
    world.write(cat, text, one, undefined, "message")
    const order = world.entries.map((_, index) => index)
    for (const each of [order, [...order].reverse()]) {
      const { items } = world.project(each)
      expect(items.map((item) => [item.text, item.reactions.length])).toEqual([
        ["hello", 1],
        ["announced", 0],
      ])
    }
  })
})

describe("replies, threads and mentions", () => {
  it("[M7] a quote follows edits and erasure", () => {
    const world = new World()
    const id = world.message(bob, "hello")
    world.message(cat, "hi", { replyTo: { segment: 1, id } })
    expect(world.project().items[1]).toMatchObject({ quote: { state: "ready", author: "bob", text: "hello" } })
    world.edit(bob, id, "hello all")
    expect(world.project().items[1]).toMatchObject({ quote: { state: "ready", text: "hello all" } })
    world.erase(bob, id)
    expect(world.project().items[1]).toMatchObject({ quote: { state: "ready", form: "erased", text: undefined } })
  })

  it("[M7] a quote finds its message where that turns out to stand first", () => {
    const world = new World()
    const second = segmentDocument(conversation, 2)
    const id = world.message(bob, "written again", {}, second)
    world.message(cat, "reply", { replyTo: { segment: 1, id } }, second)
    world.message(cat, "in the first segment")
    const projection = world.project()
    expect(projection.items[1]).toMatchObject({ quote: { state: "missing" } })
    const { entry } = world.entries[0]!
    projection.add(one, [{ ...entry, log: logIdOf(entry.device, Uint8Array.of(0, 0, 0)) }])
    expect(projection.items[1]).toMatchObject({ quote: { state: "ready", text: "written again" } })
  })

  it("[M7] a quote of what is in a segment that was not read waits for it; of what is nowhere it says so", () => {
    const world = new World()
    const old = world.message(bob, "old")
    world.message(cat, "new", { replyTo: { segment: 1, id: old } }, segmentDocument(conversation, 2))
    world.message(cat, "lost", { replyTo: { segment: 3, id: old } }, segmentDocument(conversation, 2))
    const projection = world.project([1, 2])
    expect(projection.items).toMatchObject([{ quote: { state: "loading" } }, { quote: { state: "missing" } }])
    expect(projection.wanted).toEqual([1])
    projection.add(one, [world.entries[0]!.entry], false)
    expect(projection.items).toMatchObject([{ quote: { text: "old" } }, { quote: { state: "missing" } }])
    expect(projection.wanted).toEqual([])
    // Read for a quote alone, it is no part of the list until its segment is.
    projection.add(one, [])
    expect(projection.items.map(({ text }) => text)).toEqual(["old", "new", "lost"])
  })

  it("[M1] a thread's root counts its messages; they know their root", () => {
    const world = new World()
    const root = world.message(bob, "root")
    const reply = world.message(cat, "reply", { thread: { segment: 1, id: root } })
    world.message(bob, "again", { thread: { segment: 1, id: root } })
    const projection = world.project()
    expect(projection.items).toMatchObject([{ replies: { count: 2 } }, { thread: root }, { thread: root }])
    expect(projection.thread(root).map(({ text }) => text)).toEqual(["reply", "again"])
    world.erase(cat, reply)
    expect(world.project().items[0]).toMatchObject({ replies: { count: 1 } })
  })

  it("[M2] mentions outside of the text, or across one another, are not there", () => {
    const world = new World()
    const mentions = [
      { start: 0, length: 4, user: "bob" as UserId },
      { start: 2, length: 4, user: "cat" as UserId },
      { start: 5, length: 9, user: null },
      { start: 50, length: 3, user: null },
    ]
    world.message(cat, "@bob @everyone", { mentions })
    expect(only(world)).toMatchObject({ mentions: [mentions[0], mentions[2]], mentionsMe: true })
  })

  it("[M3] a remark of a later version is kept and not shown; content that can't be read is shown as such", () => {
    const world = new World()
    world.write(bob, encodeBody(freshSalt(), new Map([["k", "poll"]])))
    world.write(bob, encodeBody(freshSalt(), new Map([["x", "y"]])))
    expect(only(world)).toMatchObject({ form: "unreadable", text: undefined })
  })
})

describe("erasure", () => {
  it("[M8] what was erased says by whom, and nothing else; its edits are nowhere", () => {
    const world = new World()
    const id = world.message(bob, "secret", { mentions: [{ start: 0, length: 6, user: null }] })
    const edit = world.edit(bob, id, "more secret")
    world.react(cat, id, "👍")
    world.erase(cat, id)
    world.erase(cat, edit, "edit")
    for (const holes of [false, true]) {
      const { items } = world.project(undefined, holes)
      expect(items).toMatchObject([
        { id, form: "erased", text: undefined, erasedBy: undefined, reactions: [], mentions: [], edited: undefined },
      ])
    }
    expect(world.project().history(id)).toEqual([])
  })
})

it("[S3] what a server acknowledged and lost waits again, edits too", () => {
  const world = new World()
  const mine = world.message(bob, "mine")
  world.edit(bob, mine, "still mine")
  world.message(cat, "hers")
  let acknowledged = 100
  const projection = new Projection({ ...ports(new Map()), device: bob, acknowledged: () => acknowledged })
  projection.add(
    one,
    world.entries.map(({ entry }) => entry),
  )
  const statuses = (): unknown[] => projection.items.map(({ status }) => status)
  expect([projection.waiting, ...statuses()]).toEqual([0, "sent", "sent"])
  acknowledged = 0
  projection.reviewOwn(one)
  expect([projection.waiting, ...statuses()]).toEqual([2, "saved", "sent"])
})

it("[M9] what was refused, and is accepted after all, stands where whoever reads it anew has it: not before the list", () => {
  const body = encodeBody(freshSalt(), encodeSaid({ kind: "message", text: "early", ...nothing }))
  const draft = { class: "message" as const, clock: 10 as Clock, body, seen: [] }
  const world = new World()
  world.message(cat, "late", {}, segmentDocument(conversation, 2))
  world.write(bob, body, one, draft.clock)
  const [late, early] = world.entries.map(({ entry }) => entry)
  if (late === undefined || early === undefined) throw new Error("two were written")
  const projection = new Projection({ ...ports(new Map()), device: bob })
  projection.add(segmentDocument(conversation, 2), [late])
  projection.addRefused(one, draft, "PAST_CUT")
  const texts = (): unknown[] => projection.items.map(({ text }) => text)
  expect(texts()).toEqual(["early", "late"])
  projection.add(one, [early], false)
  expect(texts()).toEqual(["late"])
})

describe("[M, I4] the same set of entries and records gives the same messages", () => {
  const author = fc.constantFrom(bob, cat, bob2)
  const step = fc.oneof(
    fc.record({
      kind: fc.constant("message" as const),
      author,
      pick: fc.nat(),
      segment: fc.integer({ min: 1, max: 2 }),
    }),
    fc.record({
      kind: fc.constant("edit" as const),
      author,
      pick: fc.nat(),
      seen: fc.array(fc.nat(), { maxLength: 3 }),
    }),
    fc.record({ kind: fc.constant("react" as const), author, pick: fc.nat(), on: fc.boolean() }),
    fc.record({
      kind: fc.constant("erase" as const),
      pick: fc.nat(),
      as: fc.constantFrom<ErasedKind>("message", "edit"),
    }),
    fc.record({ kind: fc.constant("copy" as const), pick: fc.nat() }),
  )

  it("in any order, in any batches, seen or not seen before they were erased", () => {
    fc.assert(
      fc.property(
        fc.array(step, { minLength: 1, maxLength: 40 }),
        fc.integer(),
        fc.integer({ min: 1, max: 9 }),
        (steps, seed, batch) => {
          const world = play(steps)
          const random = randomFrom(seed)
          const order = world.entries.map((_, index) => index)
          for (let at = order.length - 1; at > 0; at--) {
            const other = Math.floor(random() * (at + 1))
            ;[order[at], order[other]] = [order[other]!, order[at]!]
          }
          const expected = JSON.stringify(world.project().items)
          expect(JSON.stringify(world.project(order, false, batch).items)).toBe(expected)
          expect(JSON.stringify(world.project(order, true, batch).items)).toBe(expected)
          // Records that come last: everything was seen, and is erased then.
          const erasures = new Map<MessageId, Erasure>()
          const late = new Projection(ports(erasures))
          for (const index of order) late.add(world.entries[index]!.document, [world.entries[index]!.entry])
          const erased = erasuresOf(world.records)
          for (const [id, erasure] of erased) erasures.set(id, erasure)
          for (const name of new Set(world.entries.map(({ document }) => document))) {
            late.reviewErased(name, erased.keys())
          }
          expect(JSON.stringify(late.items)).toBe(expected)
        },
      ),
      { numRuns: 200 },
    )
  })

  function play(steps: readonly (typeof step extends fc.Arbitrary<infer S> ? S : never)[]): World {
    const world = new World()
    const messages: MessageId[] = []
    const edits: MessageId[] = []
    for (const [index, one] of steps.entries()) {
      const target = "pick" in one && messages.length > 0 ? messages[one.pick % messages.length] : undefined
      switch (one.kind) {
        case "message": {
          const ref = target === undefined ? undefined : { segment: 1, id: target }
          const more = index % 3 === 0 ? { replyTo: ref } : index % 3 === 1 ? { thread: ref } : {}
          messages.push(world.message(one.author, `m ${index}`, more, segmentDocument(conversation, one.segment)))
          break
        }
        case "edit":
          if (target === undefined) break
          edits.push(
            world.edit(
              one.author,
              target,
              `m ${index} edited`,
              one.seen.flatMap((pick) => edits[pick % (edits.length || 1)] ?? []),
            ),
          )
          break
        case "react":
          if (target !== undefined) world.react(one.author, target, "👍", one.on)
          break
        case "erase": {
          const all = [...messages, ...edits]
          const id = all[one.pick % (all.length || 1)]
          if (id !== undefined) world.erase(bob, id, one.as)
          break
        }
        case "copy":
          world.copy(one.pick % (world.entries.length || 1))
      }
    }
    return world
  }
})

/** mulberry32 */
function randomFrom(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296
  }
}
