import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { onTestFinished } from "vitest"

/** A new directory under the system's temporary one, removed when the test that asked for it has finished. */
export async function temporaryDirectory(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), "weft-"))
  onTestFinished(() => rm(directory, { recursive: true, force: true }))
  return directory
}
