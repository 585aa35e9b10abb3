import { SEGMENT_BYTES } from "../protocol/limits.js"
import { documentParts, segmentDocument, type ConversationId, type DocumentName } from "../protocol/names.js"
import { ReplicaDocument, type DocumentPorts } from "./document.js"

export interface SegmentPorts {
  /** What each of them needs. */
  readonly document: DocumentPorts
  /** Messages after which an author opens the next segment. */
  readonly segmentMessages: number
  /** One was read from the storage; it comes into memory next. */
  read(document: ReplicaDocument): void
  /** One is in memory from now on. */
  adopted(document: ReplicaDocument): void
}

/** The segments of a conversation: which exist here, and those of them that are in memory. */
export class ConversationSegments {
  private readonly existing: Set<number>
  private readonly inMemory = new Map<number, ReplicaDocument>()
  private readonly loading = new Map<number, Promise<ReplicaDocument>>()

  /** `known`: the numbers of those that the storage holds. */
  constructor(
    private readonly conversation: ConversationId,
    known: Iterable<number>,
    private readonly ports: SegmentPorts,
  ) {
    this.existing = new Set(known)
  }

  /** Numbers of those that exist here, ascending; always one at least. */
  get numbers(): number[] {
    return Array.from(this.existing.size === 0 ? [1] : this.existing).sort((a, b) => a - b)
  }

  /** Those that the storage may hold. */
  get known(): number[] {
    return Array.from(this.existing)
  }

  get newest(): number {
    return this.numbers.at(-1) ?? 1
  }

  /** Whether a document is a segment that exists here. */
  hasDocument(name: DocumentName): boolean {
    return this.has(segmentOf(name))
  }

  has(number: number): boolean {
    return this.existing.has(number) || (this.existing.size === 0 && number === 1)
  }

  /** These exist here. */
  add(numbers: Iterable<number>): void {
    for (const number of numbers) this.existing.add(number)
  }

  /** The same of one by its name. */
  addDocument(name: DocumentName): void {
    this.existing.add(segmentOf(name))
  }

  /** Those in memory: the newest, and those that somebody asked for. */
  get loaded(): Iterable<ReplicaDocument> {
    return this.inMemory.values()
  }

  /** One that is in memory. */
  get(number: number): ReplicaDocument | undefined {
    return this.inMemory.get(number)
  }

  /** One, read from the storage where it is not in memory. */
  async load(number: number): Promise<ReplicaDocument> {
    const present = this.inMemory.get(number)
    if (present !== undefined) return present
    const loading = this.loading.get(number) ?? this.read(number).finally(() => this.loading.delete(number))
    this.loading.set(number, loading)
    return loading
  }

  private async read(number: number): Promise<ReplicaDocument> {
    const document = await ReplicaDocument.load(segmentDocument(this.conversation, number), this.ports.document)
    // Somebody wrote into it meanwhile: two of them would write over one another.
    const opened = this.inMemory.get(number)
    if (opened !== undefined) return opened
    this.ports.read(document)
    this.adopt(number, document)
    return document
  }

  private adopt(number: number, document: ReplicaDocument): void {
    this.inMemory.set(number, document)
    this.ports.adopted(document)
  }

  /** The one that is written into now: the newest, or the next where that is full. */
  writable(): ReplicaDocument {
    const number = this.newest
    const newest = this.inMemory.get(number)
    if (newest === undefined) throw new TypeError("the newest segment is always loaded")
    if (!this.isFull(newest)) return newest
    this.existing.add(number + 1)
    // What somebody else wrote into it may be on its way.
    const present = this.inMemory.get(number + 1)
    if (present !== undefined) return present
    const next = ReplicaDocument.empty(segmentDocument(this.conversation, number + 1), this.ports.document)
    this.adopt(number + 1, next)
    return next
  }

  /** Whether an author opens the next segment. [SPEC R3] */
  private isFull({ summary, drafts }: ReplicaDocument): boolean {
    const waiting = drafts.reduce((sum, { body }) => sum + body.length, 0)
    const messages = summary.messages + drafts.length
    return messages >= this.ports.segmentMessages || summary.bytes + waiting >= SEGMENT_BYTES
  }

  /** Those that hold anything, as far as is known without looking, from the newest. */
  get documentNames(): DocumentName[] {
    const numbers = this.numbers.reverse().filter((number) => this.inMemory.get(number)?.isEmpty !== true)
    return numbers.map((number) => segmentDocument(this.conversation, number))
  }

  /** Those that a carrier is to look for: those that exist here, and the one behind a full one. */
  get carried(): DocumentName[] {
    const numbers = this.numbers
    const newest = this.inMemory.get(this.newest)
    if (newest !== undefined && this.isFull(newest)) numbers.push(this.newest + 1)
    return numbers.map((number) => segmentDocument(this.conversation, number))
  }

  /**
   * Numbers of those before the newest ones that hold so many messages together, ascending; their summaries are read.
   * [SPEC U15]
   */
  async before(messages: number): Promise<number[]> {
    const numbers = this.numbers
    let held = 0
    while (numbers.length > 0 && held < messages) {
      const newest = await this.load(numbers.pop() ?? 1)
      held += newest.summary.messages + newest.drafts.length
    }
    return numbers
  }

  /** Those that somebody named, and of which nothing came, leave memory. [SPEC S15] */
  forgetEmpty(): void {
    for (const [number, { isEmpty, lastUsed }] of this.inMemory)
      if (isEmpty && !this.has(number) && lastUsed !== Infinity) this.inMemory.delete(number)
  }
}

function segmentOf(name: DocumentName): number {
  const parts = documentParts(name)
  return parts.kind === "segment" ? parts.segment : 0
}
