import { conversationOf, type DocumentName } from "@weft/sdk/protocol"
import type { Log } from "../observe/log.js"
import type { Metrics } from "../observe/metrics.js"
import type { Store, StoredName } from "../store/store.js"
import { ActiveDocument } from "./active-document.js"
import { isDamage } from "./damage.js"
import type { DigestTable } from "./digest-table.js"

export interface DocumentSetPorts {
  readonly store: Store
  readonly digests: DigestTable
  readonly metrics: Metrics
  readonly log: Log
  /** Documents that can't be read. */
  readonly quarantined: Set<StoredName>
}

/** The documents of one conversation that are in memory. */
export class DocumentSet {
  readonly #ports: DocumentSetPorts
  readonly #onOpen: (document: ActiveDocument) => Promise<void>
  readonly #documents = new Map<DocumentName, ActiveDocument>()

  /** `onOpen`: what to do with a document before it is used. */
  constructor(ports: DocumentSetPorts, onOpen: (document: ActiveDocument) => Promise<void>) {
    this.#ports = ports
    this.#onOpen = onOpen
  }

  get size(): number {
    return this.#documents.size
  }

  get names(): DocumentName[] {
    return Array.from(this.#documents.keys())
  }

  get(name: DocumentName): ActiveDocument | undefined {
    return this.#documents.get(name)
  }

  /** Keeps a document that has become one: it was empty when it was opened. */
  keep(document: ActiveDocument): void {
    this.#documents.set(document.name, document)
  }

  /** The document; undefined where it can't be read and is left alone. Rejects with other errors of the store. */
  async open(name: DocumentName): Promise<ActiveDocument | undefined> {
    const present = this.#documents.get(name)
    if (present !== undefined) return present
    if (this.#ports.quarantined.has(name)) return undefined
    try {
      const document = await ActiveDocument.load(name, this.#ports.store)
      // Nothing was ever written to it. Of one that a cut emptied more may be set aside.
      if (document.updates === 0 && !(await this.#ports.digests.of(conversationOf(name))).has(name)) return document
      // Not kept before that is done: where it fails now, whoever opens the document next does it.
      await this.#onOpen(document)
      this.#documents.set(name, document)
      return document
    } catch (error) {
      if (!isDamage(error)) throw error
      this.quarantine(name, error)
      return undefined
    }
  }

  isQuarantined(name: DocumentName): boolean {
    return this.#ports.quarantined.has(name)
  }

  /** Leaves a document alone from now on. [SPEC R7] */
  quarantine(name: DocumentName, error: unknown): void {
    const { log, metrics, quarantined } = this.#ports
    if (quarantined.has(name)) return
    log.error({ err: error, document: name }, "a document can't be read; it is left alone")
    metrics.storeErrors.inc()
    quarantined.add(name)
    metrics.quarantined.set(quarantined.size)
    this.#documents.delete(name)
  }
}
