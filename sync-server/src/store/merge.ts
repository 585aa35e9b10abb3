import {
  encodeUpdate,
  punch,
  readContents,
  type WeftError,
  type Contents,
  type DocumentName,
  type Env,
  type LogRun,
  type MessageId,
} from "@weft/sdk/protocol"
import { asideRuns } from "./aside.js"
import { damaged } from "./document-state.js"
import { storeFailure } from "./failure.js"
import type { Store, StoredDocument } from "./store.js"
import { stateVectorOf } from "./values.js"

/** Fewer updates cost less to read than a merge to write. */
const MIN_UPDATES = 64
/** Mean bytes of an update up to which a merge pays: of small ones at least a fourth of what it writes is new. */
const SMALL_UPDATE_BYTES = 1024
/** More are merged whatever their size: each is a read of its own when the document is served. */
const MAX_UPDATES = 1024

/** Whether merging a document's updates into one is worth writing it anew. */
export function isMergeDue({ updates, bytes }: Pick<StoredDocument, "updates" | "bytes">): boolean {
  return updates >= MAX_UPDATES || (updates >= MIN_UPDATES && bytes <= updates * SMALL_UPDATE_BYTES)
}

/** What only a document's owner knows of it. */
export interface MergeContext {
  isErased(message: MessageId): boolean
  /**
   * Encoded summary and digest of the document: of these contents, or of more where that was appended before. Called
   * right before the replacement is queued.
   */
  describe(contents: Contents): Described
  /** The merge is over, whatever came of it. */
  end(): void
}

interface Described {
  readonly summary: Uint8Array
  readonly digest: Uint8Array
  /**
   * When the next of what `isErased` left is to be destroyed, in milliseconds since 1970: 0 where an erasure came since.
   * Infinity: there is none.
   */
  readonly nextErasure: number
}

export interface MergerOptions {
  readonly store: Pick<Store, "load" | "updates" | "replace" | "asides" | "putAside">
  readonly env: Env
  /** Undefined: the document is not to be merged now. */
  readonly contextOf: (document: DocumentName) => Promise<MergeContext | undefined>
  /** So many updates fewer are stored. */
  readonly onMerged?: (document: DocumentName, fewer: number) => void
  /** STORE_CORRUPT: the document is damaged. Anything else concerns the store, which tells it itself. */
  readonly onFailure: (document: DocumentName, error: WeftError) => void
}

/** Merges documents in the background, one at a time, with turns of the event loop in between. */
export interface Merger {
  /** Merges the document soon, whether that is due or not: erased text must go at once. */
  request(document: DocumentName): void
  /** Resolves when nothing waits or is under way. */
  idle(): Promise<void>
  /** Finishes the merge under way and forgets the rest. */
  close(): Promise<void>
}

export function createMerger(options: MergerOptions): Merger {
  const waiting = new Set<DocumentName>()
  let running: Promise<void> | undefined
  let closed = false

  async function run(): Promise<void> {
    // What is asked for meanwhile is appended to the set, and found too.
    for (const document of waiting) {
      await turn(options.env)
      if (closed) break
      waiting.delete(document)
      try {
        await mergeDocument(options, document)
      } catch (error) {
        const failure = storeFailure(error)
        // Another replacement came first, and may not have known of all erasures.
        if (failure.code === "STORE_FENCED") waiting.add(document)
        else options.onFailure(document, failure)
      }
    }
    running = undefined
  }

  return {
    request(document) {
      if (closed) return
      waiting.add(document)
      running ??= run()
    },
    async idle() {
      while (running !== undefined) await running
    },
    async close() {
      closed = true
      await running
    },
  }
}

async function mergeDocument(options: MergerOptions, document: DocumentName): Promise<void> {
  const context = await options.contextOf(document)
  if (context === undefined) return
  try {
    await mergeWith(options, document, context)
  } finally {
    context.end()
  }
}

/** No step blocks longer than 50 ms up to about 25,000 entries; a full segment has 1,024 and takes 10 ms in all. */
async function mergeWith(
  { store, env, onMerged }: MergerOptions,
  document: DocumentName,
  context: MergeContext,
): Promise<void> {
  // First the clock, then the updates: what is appended in between is in them and stays behind the clock as well.
  const stored = await store.load(document)
  if (stored === undefined) return
  const contents = readStored(document, await store.updates(document))
  await turn(env)
  const { runs, punched } = punch(contents.values(), (message) => context.isErased(message))
  await turn(env)
  const isAsideErased = await destroyAsides(store, document, context)
  const { summary, digest, nextErasure } = context.describe(contents)
  await store.replace({
    document,
    update: encodeUpdate(runs),
    summary,
    digest,
    stateVector: stateVectorOf(runs),
    covers: stored.clock,
    erased: punched > 0 || isAsideErased,
    nextErasure,
    generation: stored.generation,
  })
  onMerged?.(document, stored.updates - 1)
}

/** What a removal had set aside is no place to keep what was erased. Whether there was any of it. [SPEC X2, X7] */
async function destroyAsides(
  store: Pick<Store, "asides" | "putAside">,
  document: DocumentName,
  context: MergeContext,
): Promise<boolean> {
  let found = false
  for (const { name, update } of await store.asides(document)) {
    const { runs, punched } = punch(readAside(document, name, update), (message) => context.isErased(message))
    if (punched === 0) continue
    await store.putAside(document, name, encodeUpdate(runs))
    found = true
  }
  return found
}

function readStored(document: DocumentName, updates: readonly Uint8Array[]): Contents {
  try {
    return readContents(updates)
  } catch (error) {
    throw damaged(document, "its updates are no logs", error)
  }
}

function readAside(document: DocumentName, name: string, update: Uint8Array): LogRun[] {
  try {
    return asideRuns(name, update)
  } catch (error) {
    throw damaged(document, "what was set aside can't be read", error)
  }
}

function turn(env: Env): Promise<void> {
  return new Promise((resolve) => {
    env.setTimer(0, resolve)
  })
}
