import {
  prefixRange,
  type KeyRange,
  type Storage,
  type StorageEntry,
  type StorageOperation,
} from "../../sdk/src/storage/storage.js"
import { check, codeOf, failsWith, same } from "./check.js"

/** What every storage adapter does. Runs wherever the adapter does: in Node, or inside a page. */
interface StorageHarness {
  /** A handle on the harness's one store, which is made at the first call and kept from then on. */
  open(): Promise<Storage>
  /** Whether the store takes two handles at once, as two tabs would. */
  readonly shared: boolean
}

export interface ContractCase {
  readonly name: string
  run(harness: StorageHarness): Promise<void>
}

const everything = { from: "", to: "\uffff\uffff" }
/** Ascending by UTF-16 code units, which is neither the order of code points nor that of any locale. */
const oddKeys = [
  "",
  "\u0000",
  "A",
  "Z",
  "a",
  "a\u0000",
  "a\u0000b",
  "a/b",
  "ab",
  "z",
  "\u00e9",
  "\u65e5\u672c",
  "\ud7ff",
  "\ud800",
  "\ud83d\ude00",
  "\ud83d\ude00x",
  "\udbff\udfff",
  "\udc00",
  "\ue000",
  "\uffff",
]

const cases: Record<string, (storage: Storage, harness: StorageHarness) => Promise<void>> = {
  "what was never written is undefined, which is not the empty value": async (storage) => {
    same(await storage.get("a"), undefined)
    await storage.write([put("a", "")])
    same(await storage.get("a"), bytes(""))
    same(await storage.scan(everything), [entry("a", "")])
  },

  "a value is replaced, and is gone once deleted; deleting nothing is fine": async (storage) => {
    await storage.write([put("a", "1")])
    await storage.write([put("a", "2"), remove("b")])
    same(await storage.get("a"), bytes("2"))
    await storage.write([remove("a")])
    same(await storage.get("a"), undefined)
    same(await storage.scan(everything), [])
  },

  "operations of a batch take effect in their order": async (storage) => {
    await storage.write([put("a", "1"), remove("a"), put("a", "2"), put("b", "1"), remove("b")])
    same(await storage.scan(everything), [entry("a", "2")])
  },

  "an empty batch is fine": async (storage) => {
    await storage.write([])
    same(await storage.scan(everything), [])
  },

  "keys are ordered by UTF-16 code units, whatever they hold": async (storage) => {
    await storage.write(shuffled(oddKeys).map((key) => put(key, `value of ${key.length}`)))
    const expected = oddKeys.filter((key) => key < everything.to).map((key) => entry(key, `value of ${key.length}`))
    same(await storage.scan(everything), expected)
    same(await storage.scan({ ...everything, reverse: true }), expected.reverse())
    for (const key of oddKeys) same(await storage.get(key), bytes(`value of ${key.length}`))
  },

  "every range between odd keys holds just the keys from its start up to, not including, its end": async (storage) => {
    await storage.write(oddKeys.map((key) => put(key, "x")))
    for (const from of oddKeys) {
      for (const to of oddKeys) {
        const found = await storage.scan({ from, to })
        await keysIn(storage, { from, to })
        const expected = oddKeys.filter((key) => from <= key && key < to)
        same(keysOf(found), expected)
      }
    }
  },

  "a range without keys, or whose end is not above its start, is empty": async (storage) => {
    await storage.write([put("b", "1")])
    for (const [from, to] of [
      ["c", "d"],
      ["a", "b"],
      ["b", "b"],
      ["c", "a"],
    ] as const) {
      same(await storage.scan({ from, to }), [])
      same(await storage.scan({ from, to, reverse: true, limit: 1 }), [])
    }
  },

  "a limit counts from the end at which the scan starts": async (storage) => {
    const keys = ["a", "b", "c", "d", "e"]
    await storage.write(keys.map((key) => put(key, key)))
    for (let limit = 0; limit <= 6; limit++) {
      same(await keysIn(storage, { from: "b", to: "e", limit }), ["b", "c", "d"].slice(0, limit))
      same(await keysIn(storage, { from: "b", to: "e", limit, reverse: true }), ["d", "c", "b"].slice(0, limit))
    }
    same(await keysIn(storage, { from: "b", to: "e", reverse: true }), ["d", "c", "b"])
  },

  "a prefix range holds the keys that start with the prefix": async (storage) => {
    await storage.write(
      ["log", "log/", "log/1", "log/\ue000", "log0", "lo", "\ud83d\ude00", "\ud83d\ude01"].map((key) => put(key, key)),
    )
    same(await keysIn(storage, prefixRange("log/")), ["log/", "log/1", "log/\ue000"])
    same(await keysIn(storage, prefixRange("\ud83d\ude00")), ["\ud83d\ude00"])
  },

  "the caller's buffers are copied as they are when write is called": async (storage) => {
    const value = bytes("before")
    const large = new Uint8Array(1000).fill(7)
    const batch = [
      { kind: "put", key: "a", value } as const,
      { kind: "put", key: "b", value: large.subarray(10, 12) } as const,
    ]
    const written = storage.write(batch)
    value.fill(0)
    large.fill(0)
    batch.length = 0
    await written
    same(await storage.get("a"), bytes("before"))
    same(await storage.get("b"), Uint8Array.of(7, 7))
  },

  "what is read is the caller's own": async (storage) => {
    await storage.write([put("a", "kept")])
    const read = await storage.get("a")
    const [scanned] = await storage.scan(everything)
    read?.fill(0)
    scanned?.value.fill(0)
    same(await storage.get("a"), bytes("kept"))
    same(await storage.scan(everything), [entry("a", "kept")])
  },

  "a value of 1 MiB comes back whole": async (storage) => {
    const value = noise(1024 * 1024)
    await storage.write([{ kind: "put", key: "big", value }])
    checkEqual(await storage.get("big"), value)
    const [scanned] = await storage.scan(prefixRange("big"))
    checkEqual(scanned?.value, value)
  },

  "a key of 10,000 characters works": async (storage) => {
    const long = "\u00fc/".repeat(5000)
    await storage.write([put(`${long}a`, "1"), put(`${long}b`, "2")])
    same(await storage.get(`${long}b`), bytes("2"))
    same(await keysIn(storage, prefixRange(long)), [`${long}a`, `${long}b`])
  },

  "5,000 keys of one batch are all there, in order, at either end": async (storage) => {
    const keys = Array.from({ length: 5000 }, (_, index) => `log/${String(index).padStart(6, "0")}`)
    await storage.write(shuffled(keys).map((key) => put(key, key)))
    same(await keysIn(storage, prefixRange("log/")), keys)
    same(await keysIn(storage, { ...prefixRange("log/"), limit: 3, reverse: true }), keys.slice(-3).reverse())
    same(await keysIn(storage, { ...prefixRange("log/"), limit: 3 }), keys.slice(0, 3))
    same((await storage.get("log/004999"))?.length, 10)
  },

  "a batch is written whole or not at all: no scan sees a part of one": async (storage) => {
    const filling = Array.from({ length: 200 }, (_, index) => put(`m${index}`, "x"))
    await storage.write([put("a", "0"), ...filling, put("z", "0")])
    const work: Promise<unknown>[] = []
    const seen: StorageEntry[][] = []
    for (let round = 1; round <= 30; round++) {
      work.push(storage.write([put("a", String(round)), put("z", String(round))], { durability: "relaxed" }))
      work.push(storage.scan(everything).then((entries) => seen.push(entries)))
    }
    await Promise.all(work)
    same(seen.length, 30)
    for (const entries of seen) same(entries.at(0)?.value, entries.at(-1)?.value)
  },

  "writes take effect in the order of their calls": async (storage) => {
    const rounds = Array.from({ length: 50 }, (_, round) => round)
    await Promise.all(
      rounds.map((round) =>
        storage.write([put("last", String(round))], { durability: round % 3 === 0 ? "strict" : "relaxed" }),
      ),
    )
    same(await storage.get("last"), bytes("49"))
  },

  "a guard that holds lets the batch through": async (storage) => {
    await storage.write([put("a", "1")], { guard: { key: "owner", value: undefined } })
    await storage.write([put("owner", "me")], { guard: { key: "owner", value: undefined } })
    await storage.write([put("a", "2")], { guard: { key: "owner", value: bytes("me") } })
    same(await storage.scan(everything), [entry("a", "2"), entry("owner", "me")])
  },

  "a guard that fails says STORE_FENCED and writes nothing": async (storage) => {
    await storage.write([put("owner", "me")])
    for (const value of [undefined, bytes(""), bytes("you"), bytes("m"), bytes("me!")]) {
      await failsWith(
        "STORE_FENCED",
        storage.write([put("a", "1"), remove("owner")], { guard: { key: "owner", value } }),
      )
      await failsWith("STORE_FENCED", storage.write([], { guard: { key: "owner", value } }))
    }
    await failsWith("STORE_FENCED", storage.write([put("a", "1")], { guard: { key: "none", value: bytes("") } }))
    same(await storage.scan(everything), [entry("owner", "me")])
  },

  "an empty value is something for a guard": async (storage) => {
    await storage.write([put("owner", "")])
    await failsWith("STORE_FENCED", storage.write([put("a", "1")], { guard: { key: "owner", value: undefined } }))
    await storage.write([put("a", "2")], { guard: { key: "owner", value: bytes("") } })
    same(await storage.get("a"), bytes("2"))
  },

  "of writers that claim a guard at once, one wins": async (storage, harness) => {
    const other = harness.shared ? await harness.open() : storage
    const claims = Array.from({ length: 20 }, (_, index) =>
      (index % 2 === 0 ? storage : other)
        .write([put("owner", String(index)), put(`by/${index}`, "x")], { guard: { key: "owner", value: undefined } })
        .then(
          () => index,
          (error: unknown) => codeOf(error),
        ),
    )
    const ends = await Promise.all(claims)
    const winners = ends.filter((end) => typeof end === "number")
    same(winners.length, 1)
    same(ends.filter((end) => end === "STORE_FENCED").length, 19)
    same(await storage.scan(everything), [entry(`by/${winners[0]}`, "x"), entry("owner", String(winners[0]))])
  },

  "a counter raised under guards by many loses no step": async (storage, harness) => {
    const other = harness.shared ? await harness.open() : storage
    const raise = async (handle: Storage): Promise<void> => {
      for (let steps = 0; steps < 5;) {
        const value = await handle.get("counter")
        const next = put("counter", String(Number(value === undefined ? 0 : text(value)) + 1))
        const end = await handle.write([next], { guard: { key: "counter", value } }).catch(codeOf)
        if (end === undefined) steps++
        else same(end, "STORE_FENCED")
      }
    }
    await Promise.all([raise(storage), raise(other), raise(storage), raise(other)])
    same(await storage.get("counter"), bytes("20"))
  },

  "what one handle wrote, another reads": async (storage, harness) => {
    if (!harness.shared) return
    const other = await harness.open()
    await storage.write([put("a", "1")])
    same(await other.get("a"), bytes("1"))
    await other.write([put("a", "2")], { durability: "relaxed" })
    same(await storage.get("a"), bytes("2"))
  },

  "strict and relaxed writes are there after closing and opening again": async (storage, harness) => {
    await storage.write([put("strict", "1"), put("gone", "1")], { durability: "strict" })
    await storage.write([put("relaxed", "2"), remove("gone")], { durability: "relaxed" })
    await storage.close()
    const again = await harness.open()
    same(await again.scan(everything), [entry("relaxed", "2"), entry("strict", "1")])
  },

  "close waits for what is under way": async (storage, harness) => {
    let ended = 0
    const work = [
      ...["a", "b", "c"].map((key) => storage.write([put(key, key)], { guard: { key: "none", value: undefined } })),
      storage.write([put("d", "d")], { durability: "relaxed" }),
      storage.get("a"),
      storage.scan(everything),
    ].map((operation) => operation.then(() => ended++))
    await storage.close()
    same(ended, work.length)
    const again = await harness.open()
    same(await keysIn(again, everything), ["a", "b", "c", "d"])
  },

  "after close everything fails with STORE_CLOSED, but for close itself": async (storage, harness) => {
    const closing = storage.close()
    await failsWith("STORE_CLOSED", storage.write([put("a", "1")]))
    await Promise.all([closing, storage.close()])
    await storage.close()
    await failsWith("STORE_CLOSED", storage.get("a"))
    await failsWith("STORE_CLOSED", storage.scan(everything))
    await failsWith("STORE_CLOSED", storage.keys(everything))
    await failsWith("STORE_CLOSED", storage.keyPair())
    await failsWith("STORE_CLOSED", storage.estimate())
    const again = await harness.open()
    same(await again.scan(everything), [])
  },

  "the key pair signs as RFC 8032 says": async (storage) => {
    const pair = await storage.keyPair()
    const message = bytes("weft")
    const signature = await pair.sign(message)
    same([pair.publicKey.length, signature.length], [32, 64])
    const key = await crypto.subtle.importKey("raw", new Uint8Array(pair.publicKey), "Ed25519", true, ["verify"])
    same(await crypto.subtle.verify("Ed25519", key, new Uint8Array(signature), message), true)
    same(await crypto.subtle.verify("Ed25519", key, new Uint8Array(signature), bytes("wefu")), false)
    same(await pair.sign(message), signature)
    same((await pair.sign(bytes(""))).length, 64)
  },

  "callers at once get one key pair, and it stays after opening again": async (storage, harness) => {
    const other = harness.shared ? await harness.open() : storage
    const pairs = await Promise.all([storage.keyPair(), other.keyPair(), storage.keyPair(), other.keyPair()])
    const [first] = pairs
    for (const pair of pairs) same(pair.publicKey, first.publicKey)
    await storage.close()
    if (other !== storage) await other.close()
    const again = await (await harness.open()).keyPair()
    same(again.publicKey, first.publicKey)
    same(await again.sign(bytes("weft")), await first.sign(bytes("weft")))
  },

  "the key pair is no entry": async (storage) => {
    await storage.keyPair()
    same(await storage.scan({ from: "", to: "\uffff" }), [])
  },

  "estimate tells what it can": async (storage) => {
    await storage.write([{ kind: "put", key: "a", value: noise(100_000) }])
    const { usedBytes, quotaBytes, persisted } = await storage.estimate()
    same(typeof persisted, "boolean")
    check(usedBytes === undefined || usedBytes >= 0, `used: ${usedBytes}`)
    check(quotaBytes === undefined || quotaBytes >= (usedBytes ?? 0), `quota: ${quotaBytes}, used: ${usedBytes}`)
  },
}

/** 40 rounds of random operations against a plain map; a failure names its seed. */
async function followsModel(storage: Storage, seed: number): Promise<void> {
  const chance = randomNumbers(seed)
  const pick = <T>(list: readonly T[]): T => list[Math.floor(chance() * list.length)] as T
  const keys = oddKeys.filter((key) => key < everything.to)
  const model = new Map<string, string>()
  for (let round = 0; round < 40; round++) {
    const batch = Array.from({ length: Math.floor(chance() * 6) }, () =>
      chance() < 0.7 ? put(pick(keys), String(round)) : remove(pick(keys)),
    )
    const guardKey = pick(keys)
    const believed = chance() < 0.7 ? model.get(guardKey) : "wrong"
    const guard = { key: guardKey, value: believed === undefined ? undefined : bytes(believed) }
    const durability = pick(["strict", "relaxed"] as const)
    const end = await storage.write(batch, chance() < 0.5 ? { durability } : { durability, guard }).catch(codeOf)
    if (end === undefined) {
      for (const operation of batch) {
        if (operation.kind === "put") model.set(operation.key, text(operation.value))
        else model.delete(operation.key)
      }
    } else same([end, believed], ["STORE_FENCED", "wrong"])
    const [from, to, reverse, limit] = [pick(keys), pick(keys), chance() < 0.5, Math.floor(chance() * 8)]
    const inRange = Array.from(model.keys()).filter((key) => from <= key && key < to)
    inRange.sort((a, b) => (a < b ? -1 : 1))
    if (reverse) inRange.reverse()
    const expected = inRange.slice(0, limit).map((key) => entry(key, model.get(key) ?? ""))
    same(await storage.scan({ from, to, reverse, limit }), expected)
  }
}

export const storageCases: readonly ContractCase[] = [
  ...Object.entries(cases).map(([name, body]) => contractCase(name, body)),
  ...[1, 2, 3].map((seed) =>
    contractCase(`it behaves as a plain ordered map does (seed ${seed})`, (storage) => followsModel(storage, seed)),
  ),
]

function contractCase(name: string, body: (storage: Storage, harness: StorageHarness) => Promise<void>): ContractCase {
  return {
    name,
    async run(harness) {
      const opened: Storage[] = []
      const open = async (): Promise<Storage> => {
        const storage = await harness.open()
        opened.push(storage)
        return storage
      }
      try {
        await body(await open(), { open, shared: harness.shared })
      } finally {
        for (const storage of opened) await storage.close()
      }
    },
  }
}

function put(key: string, value: string): StorageOperation & { kind: "put" } {
  return { kind: "put", key, value: bytes(value) }
}

function remove(key: string): StorageOperation {
  return { kind: "delete", key }
}

function entry(key: string, value: string): StorageEntry {
  return { key, value: bytes(value) }
}

function keysOf(entries: readonly StorageEntry[]): string[] {
  return entries.map(({ key }) => key)
}

/** The keys of a range, the same with their values and without. */
async function keysIn(storage: Storage, range: KeyRange): Promise<string[]> {
  const [entries, keys] = await Promise.all([storage.scan(range), storage.keys(range)])
  same(keys, keysOf(entries))
  return keys
}

function bytes(value: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(value)
}

function text(value: Uint8Array): string {
  return new TextDecoder().decode(value)
}

/** As `same`, for bytes that are too many to be shown. */
function checkEqual(actual: Uint8Array | undefined, expected: Uint8Array): void {
  same(actual?.length, expected.length)
  const wrong = expected.findIndex((byte, index) => actual?.[index] !== byte)
  check(wrong === -1, `the bytes differ from ${wrong} on`)
}

function noise(length: number): Uint8Array {
  const chance = randomNumbers(length)
  return Uint8Array.from({ length }, () => Math.floor(chance() * 256))
}

function shuffled<T>(list: readonly T[]): T[] {
  const chance = randomNumbers(list.length)
  return list
    .map((item) => ({ item, at: chance() }))
    .sort((a, b) => a.at - b.at)
    .map(({ item }) => item)
}

/** The same numbers in [0, 1) for the same seed (mulberry32). */
function randomNumbers(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}
