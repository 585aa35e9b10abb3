import * as encoding from "lib0/encoding"
import { MAX_UPDATE_LOGS } from "@weft/sdk/protocol"
import { expect, it } from "vitest"
import { refuseAccepted, refuseAll } from "./outcome.js"

/** An update of so many blocks with nothing in them. */
function emptyBlocks(count: number): Uint8Array {
  return encoding.encode((encoder) => {
    encoding.writeVarUint(encoder, count)
    for (let client = 0; client < count; client++) {
      encoding.writeVarUint(encoder, 0)
      encoding.writeVarUint(encoder, client)
      encoding.writeVarUint(encoder, 0)
    }
    encoding.writeVarUint(encoder, 0)
  })
}

it("[C1, R5] a refused update of more blocks than the check takes is refused as one, whoever sent it", () => {
  expect(refuseAll("FORBIDDEN", emptyBlocks(MAX_UPDATE_LOGS)).refused.length).toBe(MAX_UPDATE_LOGS)
  const { refused, retryAfterMs } = refuseAll("FORBIDDEN", emptyBlocks(400_000))
  expect(refused).toEqual([{ log: new Uint8Array(), code: "FORBIDDEN", at: 0 }])
  expect(retryAfterMs).toBeGreaterThan(0)
})

it("[S6] where too few peers have what was accepted, what is refused keeps its code, and nothing of the rest counts as durable", () => {
  const [whole, partial] = [new Uint8Array(21).fill(1), new Uint8Array(21).fill(2)]
  const { refused, retryAfterMs } = refuseAccepted({
    refused: [
      { log: whole, code: "BAD_SEAL", at: 3, isPartial: false },
      { log: partial, code: "RATE_LIMITED", at: 9, isPartial: true },
    ],
    retryAfterMs: 5_000,
    durable: Promise.resolve(),
    copies: undefined,
  })
  expect(refused.map(({ log, code, at }) => [log, code, at])).toEqual([
    [whole, "BAD_SEAL", 3],
    [new Uint8Array(), "STORAGE_FAILED", 0],
  ])
  expect(retryAfterMs).toBe(5_000)
})
