import * as encoding from "lib0/encoding"
import { MAX_UPDATE_LOGS } from "@weft/sdk/protocol"
import { expect, it } from "vitest"
import { refuseAll } from "./outcome.js"

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
