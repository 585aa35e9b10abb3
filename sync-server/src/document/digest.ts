import { hash } from "node:crypto"
import { digestOf as digestBy, type DocumentSummary } from "@weft/sdk/protocol"

/** The digest of a document, by the host's SHA-256: it is made with each append, and as long as its document has logs. [SPEC D1] */
export function digestOf(summary: DocumentSummary): Uint8Array {
  return digestBy(summary, (bytes) => new Uint8Array(hash("sha256", bytes, "buffer")))
}
