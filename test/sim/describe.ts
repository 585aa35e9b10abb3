import { decodeUpdate, hex, sha256, type DocumentName } from "@weft/sdk/protocol"
import { wholeFrame } from "../support/sync-deflate.js"

/** A frame, for those who read a trace. */
export function describeFrame(bytes: Uint8Array): string {
  const frame = wholeFrame(bytes)
  switch (frame?.kind) {
    case undefined:
      return "no frame"
    case "next":
    case "update": {
      const blocks = decodeUpdate(frame.update)?.map(
        ({ client, from, elements }) => `${client % 9973}:${from}+${elements.length}`,
      )
      return `${frame.kind} ${frame.id} ${frame.kind === "update" ? short(frame.document) : ""} ${blocks?.join(" ") ?? "unreadable"} ${hash(frame.update)}`
    }
    case "reject":
      return `reject ${frame.id} ${short(frame.document)} ${frame.items.map(({ code, at }) => `${code}@${at}`).join(" ")}`
    case "vector":
    case "served":
      return `${frame.kind} ${short(frame.document)}`
    case "records":
      return `records ${short(frame.document)} ${frame.records.length}`
    case "documents":
      return `documents ${frame.items.map(({ document, digest }) => `${short(document)}=${hash(digest)}`).join(" ")}`
    case "ack":
      return `ack ${frame.id}`
    case "refusal":
      return `refusal ${frame.code}`
    default:
      return frame?.kind ?? ""
  }
}

function short(document: DocumentName): string {
  return `${document.slice(2, 6)}${document.slice(26)}`
}

function hash(bytes: Uint8Array): string {
  return hex(sha256(bytes)).slice(0, 6)
}
