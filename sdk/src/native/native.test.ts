/* Documents of native types without a Y.Doc, compared with what Yjs makes of the same updates. [SPEC U] */
import * as encoding from "lib0/encoding"
import * as prng from "lib0/prng"
import { describe, expect, it } from "vitest"
import * as Y from "yjs"
import { accountOf } from "../protocol/account-name.js"
import type { UserId } from "../protocol/names.js"
import { encodeNative, encodeNativeVector, readNative, readNativeVector } from "./codec.js"
import { compactNative, nativeBeyond, readNativeContents, splitNative } from "./contents.js"
import { digestOfNative, emptyNativeSummary, judgeNative, summarizeNative, type NativeSummary } from "./summary.js"
import type { Item, NativeUpdate } from "./structs.js"

const name = accountOf("alice" as UserId)

function must(bytes: Uint8Array): NativeUpdate {
  const update = readNative(bytes)
  if (update === undefined) throw new Error("unreadable")
  return update
}

/** A replica as a server keeps one: bytes and a summary. */
class Held {
  updates: Uint8Array[] = []
  summary: NativeSummary = emptyNativeSummary

  take(bytes: Uint8Array): void {
    const verdict = judgeNative(must(bytes), this.summary)
    if (verdict.kind === "refused") throw new Error(verdict.code)
    this.summary = verdict.summary
    if (verdict.fresh !== undefined) this.updates.push(...splitNative(verdict.fresh, 300))
  }

  missing(doc: Y.Doc): Uint8Array[] {
    const vector = readNativeVector(Y.encodeStateVector(doc)) ?? new Map<number, number>()
    return splitNative(nativeBeyond(readNativeContents(this.updates), vector), 200)
  }

  compact(): void {
    this.updates = [encodeNative(compactNative(readNativeContents(this.updates)))]
  }
}

function edit(doc: Y.Doc, random: prng.PRNG): void {
  const below = (limit: number): number => prng.int32(random, 0, limit - 1)
  const key = `k${String(below(4))}`
  const map = doc.getMap("values")
  const nested = doc.getMap("nested")
  const texts = doc.getMap("texts")
  switch (below(7)) {
    case 0:
      map.set(key, below(100))
      break
    case 1:
      map.set(key, Uint8Array.of(below(256), 2, 3))
      break
    case 2:
      map.delete(key)
      break
    case 3:
      nested.set(key, new Y.Map([["a", below(9)]]))
      break
    case 4: {
      const inner = nested.get(key)
      if (inner instanceof Y.Map) inner.set(`i${String(below(3))}`, ["list", below(9), { deep: null }])
      break
    }
    default: {
      const present = texts.get(key)
      const text = present instanceof Y.Text ? present : texts.set(key, new Y.Text())
      if (text.length > 0 && below(3) === 0) {
        const from = below(text.length)
        text.delete(from, 1 + below(text.length - from))
      } else text.insert(below(text.length + 1), ["word ", "😀", "好", "x"][below(4)] ?? "")
    }
  }
}

function state(doc: Y.Doc): unknown {
  return ["values", "nested", "texts"].map((root) => doc.getMap(root).toJSON() as unknown)
}

describe("documents of native types", () => {
  const given = process.env["WEFT_SEED"]
  const seed = given === undefined ? (crypto.getRandomValues(new Uint32Array(1))[0] ?? 0) : Number(given)

  it("[U3, U4, U6] is held without a Y.Doc as Yjs holds it: merged, split, compacted, in any order of meetings", () => {
    console.log(`native: WEFT_SEED=${String(seed)}`)
    const random = prng.create(seed)
    for (let round = 0; round < 40; round++) {
      const held = new Held()
      const docs = [new Y.Doc(), new Y.Doc(), new Y.Doc()]
      for (let step = 0; step < 120; step++) {
        const doc = docs[prng.int32(random, 0, 2)] ?? new Y.Doc()
        if (prng.int32(random, 0, 3) > 0) doc.transact(() => edit(doc, random))
        else {
          held.take(Y.encodeStateAsUpdate(doc, encodeNativeVector(held.summary.vector)))
          for (const update of held.missing(doc)) Y.applyUpdate(doc, update)
        }
        if (prng.int32(random, 0, 15) === 0) held.compact()
      }
      for (let meeting = 0; meeting < 3; meeting++) {
        for (const doc of docs) {
          for (const update of held.missing(doc)) Y.applyUpdate(doc, update)
          held.take(Y.encodeStateAsUpdate(doc, encodeNativeVector(held.summary.vector)))
        }
      }
      held.compact()
      const whole = new Y.Doc()
      for (const update of held.updates) Y.applyUpdate(whole, update)
      for (const doc of [...docs, whole]) {
        expect(state(doc)).toEqual(state(docs[0] ?? whole))
        const read = summarizeNative(must(Y.encodeStateAsUpdate(doc)))
        expect(digestOfNative(name, read)).toEqual(digestOfNative(name, held.summary))
      }
      expect(whole.store.pendingStructs).toBeNull()
      expect(whole.store.pendingDs).toBeNull()
      // What Yjs itself writes of it, with its garbage collected, is not much smaller.
      expect(held.updates[0]?.length).toBeLessThanOrEqual(Y.encodeStateAsUpdate(whole).length * 1.2 + 64)
    }
  })

  it("[U6] nothing of what was deleted is left in the bytes", () => {
    const doc = new Y.Doc()
    const held = new Held()
    doc.on("update", (update: Uint8Array) => held.take(update))
    const text = doc.getMap("texts").set("draft", new Y.Text("a secret draft"))
    text.insert(14, ", longer")
    text.delete(2, 6)
    doc.getMap("values").set("vector", new TextEncoder().encode("old secret"))
    doc.getMap("values").set("vector", new TextEncoder().encode("new"))
    doc.getMap("nested").set("n", new Y.Map([["inner", "nested secret"]]))
    doc.getMap("nested").delete("n")
    expect(held.updates.some((bytes) => Buffer.from(bytes).includes("secret"))).toBe(true)
    held.compact()
    expect(Buffer.from(held.updates[0] ?? []).includes("secret")).toBe(false)
    const read = new Y.Doc()
    Y.applyUpdate(read, held.updates[0] ?? new Uint8Array())
    expect(state(read)).toEqual(state(doc))
  })

  it("[U4] what leaves a gap, builds on what is not there, or deletes it, is refused whole", () => {
    const doc = new Y.Doc()
    const updates: Uint8Array[] = []
    doc.on("update", (update: Uint8Array) => updates.push(update))
    const text = doc.getMap("texts").set("draft", new Y.Text())
    text.insert(0, "one")
    text.insert(3, "two")
    const [first, second, third] = updates.map(must)
    if (first === undefined || second === undefined || third === undefined) throw new Error("three updates")
    const one = judgeNative(first, emptyNativeSummary)
    expect(one.kind).toBe("accepted")
    expect(judgeNative(second, emptyNativeSummary)).toEqual({ kind: "refused", code: "GAP" })
    if (one.kind === "accepted") expect(judgeNative(third, one.summary)).toEqual({ kind: "refused", code: "GAP" })
    const deletes = new Map([[doc.clientID, [{ from: 0, to: 5 }]]])
    expect(judgeNative({ structs: new Map(), deletes }, emptyNativeSummary)).toEqual({ kind: "refused", code: "GAP" })
    // Two that build on each other.
    const place = { kind: "item", clock: 0, length: 1, right: undefined, parent: undefined, key: undefined } as const
    const content = { kind: "string", text: "x" } as const
    const circle = new Map([
      [1, [{ ...place, keyed: false, origin: { client: 2, clock: 0 }, content }]],
      [2, [{ ...place, keyed: false, origin: { client: 1, clock: 0 }, content }]],
    ])
    expect(judgeNative({ structs: circle, deletes: new Map() }, emptyNativeSummary).kind).toBe("refused")
  })

  it.each([
    ["format V2", (doc: Y.Doc) => Y.encodeStateAsUpdateV2(doc)],
    ["a byte too many", (doc: Y.Doc) => Uint8Array.of(...Y.encodeStateAsUpdate(doc), 0)],
    ["a byte too few", (doc: Y.Doc) => Y.encodeStateAsUpdate(doc).slice(0, -1)],
    ["collected clocks without end", () => numbers(1, 1, 7, 0, 0, 2 ** 40, 0)],
    ["a skip without end", () => numbers(1, 1, 7, 0, 10, 2 ** 52, 0)],
    ["deleted clocks without end", () => numbers(1, 1, 7, 0, 1, 1, 1, 97, 2 ** 45, 0)],
    ["deletes without end", () => numbers(0, 1, 7, 1, 0, 2 ** 50)],
    ["more values than bytes", () => numbers(1, 1, 7, 0, 8, 1, 1, 97, 2 ** 50, 126, 0)],
    ["more clients than bytes", () => numbers(2 ** 50)],
    ["more structs than bytes", () => numbers(1, 2 ** 50, 7, 0, 0, 1)],
    ["nesting without end", () => nested(100_000)],
    ["an empty text", () => numbers(1, 1, 7, 0, 4, 1, 1, 97, 0, 0)],
    ["JSON", () => numbers(1, 1, 7, 0, 2, 1, 1, 97, 0, 0)],
    ["a subdocument", () => numbers(1, 1, 7, 0, 9, 1, 1, 97, 0, 126, 0)],
    ["a list", () => numbers(1, 1, 7, 0, 7, 1, 1, 97, 0, 0)],
    ["nothing", () => new Uint8Array()],
  ])("[U4] %s is no update of an account", (_, make) => {
    const doc = new Y.Doc()
    doc.getMap("texts").set("draft", new Y.Text("hello"))
    expect(readNative(make(doc))).toBeUndefined()
  })

  it("[U4] judging a hostile update takes time in proportion to its size", () => {
    // Two clients whose items each build on the other's last, and a thousand that wait for the end of it.
    const length = 50_000
    const item = (clock: number, origin: Item["origin"]): Item => ({
      ...{ kind: "item", clock, length: 1, origin, right: undefined, key: undefined, keyed: false },
      ...{ parent: origin === undefined ? "t" : undefined, content: { kind: "string", text: "x" } },
    })
    const list = (make: (clock: number) => Item): Item[] => Array.from({ length }, (_, clock) => make(clock))
    const structs = new Map([
      [1, list((clock) => item(clock, clock === 0 ? undefined : { client: 2, clock: clock - 1 }))],
      [2, list((clock) => item(clock, { client: 1, clock }))],
    ])
    for (let client = 3; client < 1000; client++) structs.set(client, [item(0, { client: 2, clock: length - 1 })])
    const verdict = judgeNative({ structs, deletes: new Map() }, emptyNativeSummary)
    expect(verdict.kind === "accepted" && verdict.fresh?.order.length).toBe(2 * length + 997)
  })
})

function numbers(...values: number[]): Uint8Array {
  return encoding.encode((encoder) => {
    for (const value of values) encoding.writeVarUint(encoder, value)
  })
}

function nested(depth: number): Uint8Array {
  const lists = new Uint8Array(2 * depth).map((_, index) => (index % 2 === 0 ? 117 : 1))
  return new Uint8Array(Buffer.concat([numbers(1, 1, 7, 0, 8, 1, 1, 97, 1), lists, Uint8Array.of(126, 0)]))
}
