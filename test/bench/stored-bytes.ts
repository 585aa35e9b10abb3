import { readdir, stat } from "node:fs/promises"
import { join } from "node:path"
import { ClassicLevel } from "classic-level"

/** Bytes on disk of a LevelDB database that nobody has open, after all of it was compacted. */
export async function storedBytes(folder: string): Promise<number> {
  const level = new ClassicLevel<Uint8Array, Uint8Array>(folder, { keyEncoding: "view", valueEncoding: "view" })
  await level.open()
  await level.compactRange(Uint8Array.of(0), new Uint8Array(64).fill(255))
  await level.close()
  const tables = (await readdir(folder)).filter((name) => /[.](ldb|sst)$/.test(name))
  const sizes = await Promise.all(tables.map(async (name) => (await stat(join(folder, name))).size))
  return sizes.reduce((sum, size) => sum + size, 0)
}

/** Bytes of all keys and values of a LevelDB database that nobody has open: what its files would hold if nothing compressed them. */
export async function heldBytes(folder: string): Promise<number> {
  const level = new ClassicLevel<Uint8Array, Uint8Array>(folder, { keyEncoding: "view", valueEncoding: "view" })
  await level.open()
  let bytes = 0
  for await (const [key, value] of level.iterator()) bytes += key.length + value.length
  await level.close()
  return bytes
}
