/**
 * Keys in LevelDB, which orders bytes: one byte for the kind, then UTF-16 in big-endian order, so that bytes sort as
 * code units do. (UTF-8 puts U+E000 to U+FFFF below the surrogate pairs, UTF-16 above.)
 */

/** The layout's version; sorts before all entries. */
export const FORMAT_KEY = Uint8Array.of(0)

const ENTRY = 1

export function encodeKey(key: string): Uint8Array {
  const bytes = new Uint8Array(1 + 2 * key.length)
  bytes[0] = ENTRY
  for (let index = 0; index < key.length; index++) {
    const unit = key.charCodeAt(index)
    bytes[1 + 2 * index] = unit >> 8
    bytes[2 + 2 * index] = unit & 255
  }
  return bytes
}

export function decodeKey(bytes: Uint8Array): string {
  let key = ""
  for (let at = 1; at + 1 < bytes.length; at += 2) {
    key += String.fromCharCode(((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0))
  }
  return key
}
