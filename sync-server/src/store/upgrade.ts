import { conversationIdFromBytes } from "@weft/sdk/protocol"
import type { Database, Operation, StoredEntry } from "./database.js"
import { digestKey, encodeParts, parseKey, parseParts, registersKey, standingKey, storeKey } from "./keys.js"

/** Entries moved in one synced batch. */
const PAGE = 1000
/** Lists that are in memory at once: each may be long. */
const LISTS = 16
const LISTED_BYTES = 19
const LISTS_OF = "conversations/"

/**
 * Format 1 kept digests by the length of their documents' names: "weft", "digest", document; "weft", "registers",
 * conversation. Moves them to where a conversation's stand together. Formats 1 and 2 kept the conversations of a user as one
 * list: "weft", "setting", "conversations/" + user. Takes it apart. A crash in between leaves some in either place: the rest is
 * moved at the next start. From before the first of it the folder is of the new format, and says of which it was: a server
 * of that one would miss what has moved.
 */
export async function upgradeFormat(database: Database, former: number, format: number): Promise<void> {
  const key = storeKey("format")
  await database.write([{ key, value: Uint8Array.of(format, former) }])
  if (former === 1) {
    await move(database, "digest", digestKey)
    await move(database, "registers", registersKey)
  }
  await takeApart(database)
  await database.write([{ key, value: Uint8Array.of(format) }])
}

async function move(database: Database, space: string, keyOf: (name: string) => Uint8Array): Promise<void> {
  for await (const page of pages(database, space, PAGE)) {
    await database.write(
      page.flatMap(([key, value]) => {
        const [, , name] = parseParts(key) ?? []
        const gone = { key, value: undefined }
        return typeof name === "string" ? [gone, { key: keyOf(name), value }] : [gone]
      }),
    )
  }
}

/** Of each list its items: conversation (18 bytes), and 1 for a member. They are there before it goes. */
async function takeApart(database: Database): Promise<void> {
  const batch: Operation[] = []
  const put = async (key: Uint8Array, value: Uint8Array | undefined): Promise<void> => {
    batch.push({ key, value })
    if (batch.length >= PAGE) await database.write(batch.splice(0))
  }
  for await (const page of pages(database, "setting", LISTS)) {
    for (const [bytes, list] of page) {
      const key = parseKey(bytes)
      if (key?.kind !== "setting" || !key.name.startsWith(LISTS_OF)) continue
      const user = key.name.slice(LISTS_OF.length)
      for (let end = LISTED_BYTES; end <= list.length; end += LISTED_BYTES) {
        const conversation = conversationIdFromBytes(list.subarray(end - LISTED_BYTES, end - 1))
        await put(standingKey(user, conversation), list.slice(end - 1, end))
      }
      await put(bytes, undefined)
    }
  }
  if (batch.length > 0) await database.write(batch)
}

async function* pages(database: Database, space: string, size: number): AsyncIterable<StoredEntry[]> {
  let gte = encodeParts("weft", space)
  const lt = Uint8Array.of(...gte, 2)
  for (;;) {
    const from = gte
    const page = await database.read((reader) => reader.entries({ gte: from, lt }, size))
    const last = page.at(-1)
    if (last === undefined) return
    // Not from the beginning: LevelDB would walk over all that was deleted.
    gte = Uint8Array.of(...last[0], 0)
    yield page
  }
}
