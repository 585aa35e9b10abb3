import { mkdir, mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { onTestFinished } from "vitest"

/**
 * A new directory under the system's temporary one, removed when the test that asked for it has finished, with what a
 * program put beside it.
 */
export async function temporaryDirectory(): Promise<string> {
  const place = await mkdtemp(join(tmpdir(), "weft-"))
  onTestFinished(() => rm(place, { recursive: true, force: true }))
  const directory = join(place, "data")
  await mkdir(directory)
  return directory
}
