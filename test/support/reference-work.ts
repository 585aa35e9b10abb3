import { createHash } from "node:crypto"

/** Processor time of the work below on the machine whose limits the tests name, milliseconds. */
const THERE_MS = 4.7

/**
 * How many times slower than that machine this one is, at least 1: bounds in milliseconds are meant for that one, and a
 * slower or a busier one must not fail for what it is. The work is of the server's kind: small objects, maps, hashes.
 */
export function slowness(): number {
  let least = Infinity
  for (let round = 0; round < 9; round++) {
    const before = process.cpuUsage()
    work()
    const { user, system } = process.cpuUsage(before)
    least = Math.min(least, (user + system) / 1000)
  }
  return Math.max(1, least / THERE_MS)
}

function work(): void {
  const held = new Map<string, { readonly at: number; readonly digest: Uint8Array }>()
  for (let at = 0; at < 4_000; at++) {
    const digest = createHash("sha256")
      .update(`element ${String(at)}`)
      .digest()
    held.set(digest.toString("base64url"), { at, digest })
  }
}
