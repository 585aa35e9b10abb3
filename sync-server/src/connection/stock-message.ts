import { encodeBytes, MAX_UPDATE_LOGS } from "@weft/sdk/protocol"
import * as decoding from "lib0/decoding"
import * as encoding from "lib0/encoding"

/** A message of the y-websocket protocol (y-protocols: sync, awareness), as far as a server meets it. */
export type StockMessage =
  /** By Yjs client id. */
  | { readonly kind: "step1"; readonly stateVector: ReadonlyMap<number, number> }
  | { readonly kind: "step2" | "update"; readonly update: Uint8Array }
  | { readonly kind: "awareness"; readonly awareness: Uint8Array }
  | { readonly kind: "queryAwareness" }

const SYNC = 0
const AWARENESS = 1
const QUERY_AWARENESS = 3
const syncKinds = ["step1", "step2", "update"] as const

export function encodeStockMessage(message: StockMessage): Uint8Array {
  return encodeBytes((encoder) => {
    switch (message.kind) {
      case "step1":
        encoding.writeVarUint(encoder, SYNC)
        encoding.writeVarUint(encoder, 0)
        encoding.writeVarUint8Array(encoder, encodeStateVector(message.stateVector))
        break
      case "step2":
      case "update":
        encoding.writeVarUint(encoder, SYNC)
        encoding.writeVarUint(encoder, syncKinds.indexOf(message.kind))
        encoding.writeVarUint8Array(encoder, message.update)
        break
      case "awareness":
        encoding.writeVarUint(encoder, AWARENESS)
        encoding.writeVarUint8Array(encoder, message.awareness)
        break
      case "queryAwareness":
        encoding.writeVarUint(encoder, QUERY_AWARENESS)
        break
    }
  })
}

/** The message, or undefined where the bytes are not exactly one. */
export function decodeStockMessage(bytes: Uint8Array): StockMessage | undefined {
  try {
    const decoder = decoding.createDecoder(bytes)
    const message = read(decoder)
    return decoding.hasContent(decoder) ? undefined : message
  } catch {
    return undefined
  }
}

function read(decoder: decoding.Decoder): StockMessage | undefined {
  switch (decoding.readVarUint(decoder)) {
    case SYNC: {
      const kind = syncKinds[decoding.readVarUint(decoder)]
      const payload = decoding.readVarUint8Array(decoder)
      if (kind === undefined) return undefined
      return kind === "step1" ? { kind, stateVector: decodeStateVector(payload) } : { kind, update: payload }
    }
    case AWARENESS:
      return { kind: "awareness", awareness: decoding.readVarUint8Array(decoder) }
    case QUERY_AWARENESS:
      return { kind: "queryAwareness" }
    default:
      return undefined
  }
}

function encodeStateVector(clocks: ReadonlyMap<number, number>): Uint8Array {
  return encodeBytes((encoder) => {
    encoding.writeVarUint(encoder, clocks.size)
    for (const [client, clock] of Array.from(clocks).sort(([a], [b]) => b - a)) {
      encoding.writeVarUint(encoder, client)
      encoding.writeVarUint(encoder, clock)
    }
  })
}

function decodeStateVector(bytes: Uint8Array): Map<number, number> {
  const decoder = decoding.createDecoder(bytes)
  const clocks = new Map<number, number>()
  const count = decoding.readVarUint(decoder)
  // As many as an update may name: a longer one is nobody's, and costs as many bytes in memory as a stranger likes.
  if (count > MAX_UPDATE_LOGS) throw new RangeError("a state vector names too many clients")
  for (let index = 0; index < count; index++) {
    clocks.set(decoding.readVarUint(decoder), decoding.readVarUint(decoder))
  }
  return clocks
}
