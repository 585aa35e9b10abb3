import type { Database, Operation } from "./database.js"
import { digestKey, encodeParts, parseParts, registersKey } from "./keys.js"

/** Entries moved in one synced batch. */
const PAGE = 1000

/**
 * Format 1 kept digests by the length of their documents' names: "weft", "digest", document; "weft", "registers",
 * conversation. Moves them to where a conversation's stand together. A crash in between leaves some in either place, and the
 * old format: the rest is moved at the next start.
 */
export async function upgradeFormat(database: Database, format: Operation): Promise<void> {
  await move(database, "digest", digestKey)
  await move(database, "registers", registersKey)
  await database.write([format])
}

async function move(database: Database, space: string, keyOf: (name: string) => Uint8Array): Promise<void> {
  let gte = encodeParts("weft", space)
  const lt = Uint8Array.of(...gte, 2)
  for (;;) {
    const page = await database.read((reader) => reader.entries({ gte, lt }, PAGE))
    const last = page.at(-1)
    if (last === undefined) return
    // Not from the beginning: LevelDB would walk over all that was deleted.
    gte = Uint8Array.of(...last[0], 0)
    await database.write(
      page.flatMap(([key, value]) => {
        const [, , name] = parseParts(key) ?? []
        const gone = { key, value: undefined }
        return typeof name === "string" ? [gone, { key: keyOf(name), value }] : [gone]
      }),
    )
  }
}
