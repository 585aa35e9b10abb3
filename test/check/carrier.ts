import type { Contents, DocumentName, Vector } from "@weft/sdk/protocol"
import { clientIdOf } from "@weft/sdk/protocol"
import * as Y from "yjs"

/** A stock Yjs document for each name, and nothing else: it checks nothing and knows no records. */
export class Carrier {
  private readonly docs = new Map<DocumentName, Y.Doc>()

  constructor(readonly name: string) {}

  documents(): DocumentName[] {
    return Array.from(this.docs.keys())
  }

  take(document: DocumentName, update: Uint8Array): void {
    let doc = this.docs.get(document)
    if (doc === undefined) this.docs.set(document, (doc = new Y.Doc()))
    Y.applyUpdate(doc, update)
  }

  /** What lies beyond a vector, as any stock provider would send it. */
  update(document: DocumentName, vector: Vector): Uint8Array | undefined {
    const doc = this.docs.get(document)
    return doc && Y.encodeStateAsUpdate(doc, stateVector(document, vector))
  }

  whole(document: DocumentName): Uint8Array | undefined {
    return this.update(document, new Map())
  }

  destroy(): void {
    for (const doc of this.docs.values()) doc.destroy()
  }
}

export function stateVector(document: DocumentName, vector: Vector): Uint8Array {
  return Y.encodeStateVector(new Map(Array.from(vector, ([log, count]) => [clientIdOf(document, log), count])))
}

/** The bytes that Yjs itself writes for these contents. */
export function stockBytes(contents: Contents, encode: (contents: Contents) => Uint8Array): Uint8Array {
  const doc = new Y.Doc()
  Y.applyUpdate(doc, encode(contents))
  const bytes = Y.encodeStateAsUpdate(doc)
  doc.destroy()
  return bytes
}
