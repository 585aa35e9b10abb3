import { mkdir, writeFile } from "node:fs/promises"
import { join } from "node:path"
import type { StoredName } from "./store.js"

/** Writes the stored updates of damaged documents into a folder: one folder for each document, one file for each update. */
export function keepIn(folder: string): (document: StoredName, updates: readonly Uint8Array[]) => Promise<void> {
  return async (document, updates) => {
    const place = join(folder, document.replaceAll("/", "_"))
    // An earlier time stays: what was cut down then is not there to be kept again.
    let attempt = 0
    while ((await mkdir(`${place}.${attempt}`, { recursive: true, mode: 0o700 })) === undefined) attempt++
    for (const [number, update] of updates.entries()) {
      await writeFile(join(`${place}.${attempt}`, String(number)), update, { mode: 0o600, flush: true })
    }
  }
}
