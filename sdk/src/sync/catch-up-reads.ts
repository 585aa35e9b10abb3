import type { MessageId } from "../protocol/entry.js"
import { utf8, utf8Text } from "../protocol/bytes.js"
import type { DocumentName, LogId } from "../protocol/names.js"

type Stored = [document: DocumentName, thread: MessageId | "", counts: [LogId, number][]]

/**
 * What was read on a device of a conversation, beyond what its user had read by then, while the comparison that first brings
 * messages of it had not ended: by document and thread, elements of each log. [SPEC U10]
 */
export class CatchUpReads {
  readonly #reads = new Map<string, Stored>()

  get isEmpty(): boolean {
    return this.#reads.size === 0
  }

  /** Takes what was read outside of threads, or in the one below `thread`; what was read before stays so. */
  take(document: DocumentName, counts: ReadonlyMap<LogId, number>, thread?: MessageId): void {
    const key = keyOf(document, thread)
    const merged = new Map(this.#reads.get(key)?.[2])
    for (const [log, count] of counts) merged.set(log, Math.max(merged.get(log) ?? 0, count))
    this.#reads.set(key, [document, thread ?? "", Array.from(merged)])
  }

  count(document: DocumentName, log: LogId, thread?: MessageId): number {
    return this.#reads.get(keyOf(document, thread))?.[2].find(([other]) => other === log)?.[1] ?? 0
  }

  /** Whether anything of a document was, outside of threads. */
  has(document: DocumentName): boolean {
    return this.#reads.has(keyOf(document, undefined))
  }

  encode(): Uint8Array {
    return this.isEmpty ? new Uint8Array() : utf8(JSON.stringify(Array.from(this.#reads.values())))
  }

  /** What `encode` gave, in the place of what is known. */
  restore(bytes: Uint8Array): void {
    this.#reads.clear()
    const text = utf8Text(bytes) ?? ""
    for (const [document, thread, counts] of text === "" ? [] : (JSON.parse(text) as Stored[]))
      this.take(document, new Map(counts), thread === "" ? undefined : thread)
  }
}

function keyOf(document: DocumentName, thread: MessageId | undefined): string {
  return `${document} ${thread ?? ""}`
}
