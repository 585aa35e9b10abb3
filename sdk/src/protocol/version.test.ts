import { readFileSync } from "node:fs"
import { expect, it } from "vitest"
import { hex, sha256, utf8 } from "./bytes.js"
import { refusals } from "./codes.js"
import { frameSchemaText } from "./frame.js"
import * as limits from "./limits.js"
import { PROTOCOL_VERSION } from "./version.js"

/**
 * The first 16 hex digits of the hash of each version. Once a version is released, its line stays as it is: who changes
 * frames, entries, codes or limits then adds a version.
 */
const hashes: Readonly<Record<number, string>> = {
  1: "e8ab5fee11ac1a01",
}

/** Entries by their test vectors: whatever changes a byte of them changes this text. */
function schemaText(): string {
  const vectors = readFileSync(new URL("vectors.json", import.meta.url), "utf8")
  return [frameSchemaText, JSON.stringify(refusals), JSON.stringify({ ...limits }), vectors].join("\n")
}

it("[S2, L1] frames, entries, codes and limits change with the version only", () => {
  expect(hex(sha256(utf8(schemaText()))).slice(0, 16)).toBe(hashes[PROTOCOL_VERSION])
})
