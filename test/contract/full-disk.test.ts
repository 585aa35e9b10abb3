import { spawnSync } from "node:child_process"
import { mkdtemp, rm, rmdir, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, beforeAll, expect, it } from "vitest"
import { openLevelStorage } from "../../sdk/src/storage/level.js"
import { codeOf } from "./check.js"

// A real full disk: a small one in memory, which only root on Linux may mount. Elsewhere the test is skipped.
const disk = await mkdtemp(join(tmpdir(), "weft-disk-"))
const mounted = spawnSync("mount", ["-t", "tmpfs", "-o", "size=48m", "tmpfs", disk]).status === 0

beforeAll(async () => {
  if (mounted) await writeFile(join(disk, "ballast"), new Uint8Array(32 * 1024 * 1024))
})

afterAll(async () => {
  if (mounted) spawnSync("umount", ["--lazy", disk])
  await rmdir(disk)
})

it.skipIf(!mounted)(
  "a full disk says STORE_QUOTA, reads go on, and with room again no acknowledged write is lost",
  async () => {
    const directory = join(disk, "store")
    const storage = await openLevelStorage({ directory })
    const value = crypto.getRandomValues(new Uint8Array(60_000))
    const acknowledged: string[] = []
    const write = async (key: string): Promise<string | undefined> => {
      try {
        await storage.write([{ kind: "put", key, value }])
      } catch (error) {
        return codeOf(error)
      }
      acknowledged.push(key)
      return undefined
    }

    let failure: string | undefined
    while (failure === undefined) failure = await write(`a${String(acknowledged.length).padStart(5, "0")}`)
    expect(failure).toBe("STORE_QUOTA")
    expect(await write("b")).toBe("STORE_QUOTA")
    expect(await storage.get("a00000")).toEqual(value)

    const before = acknowledged.length
    await rm(join(disk, "ballast"))
    const [, , scanned] = await Promise.all([write("c1"), write("c2"), storage.scan({ from: "a", to: "b" })])
    expect(scanned.length).toBe(before)
    expect(await write("c3")).toBeUndefined()
    expect(acknowledged.slice(before)).toEqual(["c1", "c2", "c3"])
    await storage.close()

    const again = await openLevelStorage({ directory })
    const kept = await again.scan({ from: "", to: "z" })
    await again.close()
    expect(kept.map(({ key }) => key)).toEqual(acknowledged)
  },
)
