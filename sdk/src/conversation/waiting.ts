import type { DocumentName } from "../protocol/names.js"
import type { Node } from "./node.js"

/** Entries that wait for something, by their documents. */
export class Waiting implements Iterable<Node> {
  private readonly documents = new Map<DocumentName, Set<Node>>()
  /** Where each of them stands here. */
  private readonly places = new Map<Node, DocumentName>()

  get size(): number {
    return this.places.size
  }

  set(node: Node, waits: boolean): void {
    const place = this.places.get(node)
    if (waits && place === node.document) return
    if (place !== undefined) this.remove(node, place)
    if (!waits) return
    this.places.set(node, node.document)
    const present = this.documents.get(node.document)
    if (present === undefined) this.documents.set(node.document, new Set([node]))
    else present.add(node)
  }

  of(document: DocumentName): Iterable<Node> {
    return this.documents.get(document) ?? []
  }

  [Symbol.iterator](): Iterator<Node> {
    return this.places.keys()
  }

  private remove(node: Node, place: DocumentName): void {
    this.places.delete(node)
    const present = this.documents.get(place)
    present?.delete(node)
    if (present?.size === 0) this.documents.delete(place)
  }
}
