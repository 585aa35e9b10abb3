import { MAX_UPDATE_LOGS } from "@weft/sdk/protocol"
import { expect, it } from "vitest"
import { decodeStockMessage, encodeStockMessage, type StockMessage } from "./stock-message.js"

it.each<StockMessage>([
  { kind: "step1", stateVector: new Map([[7, 2]]) },
  { kind: "step2", update: Uint8Array.of(0, 0) },
  { kind: "update", update: Uint8Array.of(0, 0) },
  { kind: "awareness", awareness: Uint8Array.of(0) },
  { kind: "queryAwareness" },
])("[S12] $kind is read as it is written, and not with a byte more or less", (message) => {
  const bytes = encodeStockMessage(message)
  expect(decodeStockMessage(bytes)).toEqual(message)
  expect(decodeStockMessage(Uint8Array.of(...bytes, 0))).toBeUndefined()
  expect(decodeStockMessage(bytes.slice(0, -1))).toBeUndefined()
})

it("[S12] a message of another kind is none", () => {
  expect(decodeStockMessage(Uint8Array.of(2, 0))).toBeUndefined()
  expect(decodeStockMessage(Uint8Array.of(0, 3, 0))).toBeUndefined()
})

it("[S12] a state vector names as many clients as an update may", () => {
  const vector = (count: number): Uint8Array =>
    encodeStockMessage({
      kind: "step1",
      stateVector: new Map(Array.from({ length: count }, (_, client) => [client, 1] as const)),
    })
  expect(decodeStockMessage(vector(MAX_UPDATE_LOGS))?.kind).toBe("step1")
  expect(decodeStockMessage(vector(MAX_UPDATE_LOGS + 1))).toBeUndefined()
})
