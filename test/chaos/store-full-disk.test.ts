import { spawnSync } from "node:child_process"
import { mkdtemp, rm, rmdir, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { encodeUpdate, equalBytes } from "@weft/sdk/protocol"
import { afterAll, beforeAll, expect, it } from "vitest"
import { openLevelStore } from "../../sync-server/src/store/level-store.js"
import { anyDocument, makeDevice, makeLog } from "../support/device.js"
import { manualEnv } from "../support/manual-env.js"

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
  "[I1] a full disk stops acknowledgements; with room again the store goes on by itself, and none was lost",
  async () => {
    const directory = join(disk, "store")
    const env = manualEnv()
    const events: string[] = []
    const store = await openLevelStore({
      directory,
      env,
      onFailure: (error) => events.push(error.code),
      onRecovery: () => events.push("recovered"),
    })
    const document = anyDocument()
    const { whole } = makeLog(await makeDevice(), document)
    const acknowledged: Uint8Array[] = []
    const append = async (): Promise<string> => {
      const update = encodeUpdate([{ ...whole, elements: [crypto.getRandomValues(new Uint8Array(60_000))] }])
      const appended = store.append({ document, update, summary: Uint8Array.of(acknowledged.length % 256) })
      const outcome = await appended.then(
        () => "ok",
        (error: { code: string }) => error.code,
      )
      if (outcome === "ok") acknowledged.push(update)
      return outcome
    }

    while ((await append()) === "ok");
    expect(events).toEqual(["STORE_QUOTA"])
    expect(await append()).toBe("STORE_QUOTA")
    expect(allEqual(await store.updates(document), acknowledged)).toBe(true)

    env.advance(1000)
    await new Promise((resolve) => setTimeout(resolve, 50))
    expect(store.failed).toBe(true)
    const before = acknowledged.length
    await rm(join(disk, "ballast"))
    env.advance(2000)
    while (store.failed) await new Promise((resolve) => setTimeout(resolve, 1))
    expect(events).toEqual(["STORE_QUOTA", "recovered"])
    expect(await Promise.all([append(), append(), append()])).toEqual(["ok", "ok", "ok"])
    expect(acknowledged.length).toBe(before + 3)
    await store.close()

    const again = await openLevelStore({ directory })
    expect(allEqual(await again.updates(document), acknowledged)).toBe(true)
    expect(await again.load(document)).toMatchObject({ updates: acknowledged.length, later: [] })
    await again.close()
  },
)

/** As `toEqual`, which takes a minute for so many bytes. */
function allEqual(found: readonly Uint8Array[], expected: readonly Uint8Array[]): boolean {
  return found.length === expected.length && found.every((bytes, index) => equalBytes(bytes, expected[index]!))
}
