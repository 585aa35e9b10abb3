import { chmod, mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { ClassicLevel } from "classic-level"
import { afterEach, beforeEach, describe, expect, it } from "vitest"
import { openLevelStorage } from "../../sdk/src/storage/level.js"
import { createMemoryStorage } from "../../sdk/src/storage/memory.js"
import type { Storage } from "../../sdk/src/storage/storage.js"
import { storageCases } from "./storage.js"

describe("memory storage", () => {
  for (const { name, run } of storageCases) {
    it(name, async () => {
      const first = createMemoryStorage()
      await run({ open: async () => first.share(), shared: true })
    })
  }

  it("a snapshot is a clone: same data and key pair, then separate ways", async () => {
    const original = createMemoryStorage()
    await original.write([put("a", "before")])
    const pair = await original.keyPair()
    const snapshot = original.snapshot()
    await original.write([put("a", "after"), put("b", "after")])
    const clone = createMemoryStorage({ snapshot })
    expect(await clone.scan({ from: "", to: "z" })).toEqual([{ key: "a", value: bytes("before") }])
    await clone.write([put("a", "clone")])
    expect(await original.get("a")).toEqual(bytes("after"))
    expect((await clone.keyPair()).publicKey).toEqual(pair.publicKey)
    expect(await createMemoryStorage({ snapshot }).get("a")).toEqual(bytes("before"))
  })

  it("takes a simulation's key pair, and asks again after it failed", async () => {
    const given = { publicKey: new Uint8Array(32), sign: async () => new Uint8Array(64) }
    let calls = 0
    const storage = createMemoryStorage({
      makeKeyPair: () => (calls++ === 0 ? Promise.reject(new Error("once")) : Promise.resolve(given)),
    })
    await expect(storage.keyPair()).rejects.toThrow("once")
    expect(await storage.keyPair()).toBe(given)
    expect(await storage.share().keyPair()).toBe(given)
    expect(calls).toBe(2)
  })
})

describe("LevelDB storage", () => {
  let directory: string
  const opened: Storage[] = []

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), "weft-level-"))
  })

  afterEach(async () => {
    for (const storage of opened.splice(0)) await storage.close()
    await rm(directory, { recursive: true })
  })

  async function open(): Promise<Storage> {
    const storage = await openLevelStorage({ directory })
    opened.push(storage)
    return storage
  }

  for (const { name, run } of storageCases) it(name, () => run({ open, shared: false }))

  it("a store that is open elsewhere says STORE_LOCKED, and opens once the other has closed", async () => {
    const first = await open()
    await expect(open()).rejects.toMatchObject({
      code: "STORE_LOCKED",
      message: expect.stringContaining(directory) as string,
    })
    await first.close()
    await (await open()).write([put("a", "1")])
  })

  it("a damaged database says STORE_CORRUPT", async () => {
    await (await open()).close()
    await writeFile(join(directory, "store/CURRENT"), "junk")
    await expect(open()).rejects.toMatchObject({ code: "STORE_CORRUPT", cause: expect.any(Error) as Error })
  })

  it("a path that can hold no store says STORE_UNAVAILABLE", async () => {
    const file = join(directory, "file")
    await writeFile(file, "")
    for (const path of [file, join(file, "inside")]) {
      await expect(openLevelStorage({ directory: path })).rejects.toMatchObject({ code: "STORE_UNAVAILABLE" })
    }
  })

  it("a store of a newer version is left alone: STORE_BLOCKED", async () => {
    await (await open()).close()
    const raw = new ClassicLevel<Uint8Array, Uint8Array>(join(directory, "store"), {
      keyEncoding: "view",
      valueEncoding: "view",
    })
    await raw.put(Uint8Array.of(0), Uint8Array.of(2))
    await raw.close()
    await expect(open()).rejects.toMatchObject({ code: "STORE_BLOCKED" })
  })

  it("the private key is its owner's alone to read", async () => {
    await (await open()).keyPair()
    expect((await stat(join(directory, "device-key.pem"))).mode & 0o777).toBe(0o600)
    expect(await readFile(join(directory, "device-key.pem"), "utf8")).toMatch(/^-----BEGIN PRIVATE KEY-----/)
    expect((await readdir(directory)).sort()).toEqual(["device-key.pem", "store"])
  })

  it("a directory that it makes is its owner's alone", async () => {
    const made = join(directory, "a/b")
    const storage = await openLevelStorage({ directory: made })
    await storage.close()
    expect((await stat(made)).mode & 0o777).toBe(0o700)
  })

  it("a damaged key file says STORE_CORRUPT and is kept; a half-made one is made anew", async () => {
    const file = join(directory, "device-key.pem")
    const storage = await open()
    await writeFile(`${file}.new`, "-----BEGIN")
    await chmod(`${file}.new`, 0o644)
    const pair = await storage.keyPair()
    expect((await stat(file)).mode & 0o777).toBe(0o600)
    await storage.close()
    const kept = await readFile(file, "utf8")
    await writeFile(file, kept.slice(0, 40))
    const again = await open()
    await expect(again.keyPair()).rejects.toMatchObject({ code: "STORE_CORRUPT" })
    expect(await readFile(file, "utf8")).toBe(kept.slice(0, 40))
    await writeFile(file, kept)
    expect((await again.keyPair()).publicKey).toEqual(pair.publicKey)
  })

  it("its estimate counts its files", async () => {
    const storage = await open()
    await storage.write([{ kind: "put", key: "a", value: new Uint8Array(100_000) }])
    const { usedBytes = 0, quotaBytes = 0, persisted } = await storage.estimate()
    expect(usedBytes).toBeGreaterThanOrEqual(100_000)
    expect(quotaBytes).toBeGreaterThan(usedBytes)
    expect(persisted).toBe(true)
  })
})

function put(key: string, value: string) {
  return { kind: "put", key, value: bytes(value) } as const
}

function bytes(text: string): Uint8Array {
  return new TextEncoder().encode(text)
}
