import {
  compareText,
  decodeUpdate,
  parseAccountName,
  parseConversationId,
  parseDocumentName,
  readNative,
  systemEnv,
  WeftError,
  type AccountName,
  type ConversationId,
  type DeviceId,
  type DocumentName,
  type Env,
  type Timer,
  type UserId,
} from "@weft/sdk/protocol"
import { Compaction } from "./compaction.js"
import type { Database, Operation, Space } from "./database.js"
import { damaged, readState, SUMMARY } from "./document-state.js"
import { openFailure, storeFailure } from "./failure.js"
import { GroupCommit } from "./group-commit.js"
import {
  asideKey,
  accountRange,
  asideRange,
  digestKey,
  digestRange,
  digestsAfterRange,
  erasedKey,
  erasingRange,
  metaKey,
  parseKey,
  registerKey,
  openedKey,
  openedRange,
  registerRange,
  registersKey,
  settingKey,
  standingKey,
  standingRange,
  stateVectorKey,
  stateVectorPrefixRange,
  stateVectorRange,
  storeKey,
  updateKey,
  updateRange,
  type KeyRange,
} from "./keys.js"
import { LevelDatabase } from "./level-database.js"
import { bytesOfWrite, KnownDocuments, stageGroup, type StoreWrite } from "./staging.js"
import { groupDigests } from "./stored-digests.js"
import type {
  Append,
  ConversationDigests,
  Mended,
  Replace,
  Standing,
  Store,
  StoredDocument,
  StoredName,
} from "./store.js"
import { upgradeFormat } from "./upgrade.js"
import { decodeStanding, decodeTime, encodeStanding, encodeStateVectorRecord, encodeSummaryRecord } from "./values.js"

export interface LevelStoreOptions extends StoreOptions {
  /** LevelDB's own, made where there is none; y-leveldb's `location`. One process owns it. */
  readonly directory: string
}

export interface StoreOptions {
  readonly env?: Env
  /** Milliseconds since any moment, for `Commit.ms`; the environment's time has whole ones only. */
  readonly elapsed?: () => number
  readonly onCommit?: (commit: Commit) => void
  /** Writes fail from now on, until `onRecovery`. */
  readonly onFailure?: (error: WeftError) => void
  readonly onRecovery?: () => void
}

/** A synced batch. */
export interface Commit {
  readonly writes: number
  readonly bytes: number
  /** From its start to the end of fsync. */
  readonly ms: number
}

const FORMAT = 3
/** Entries; about a millisecond. */
const DIGESTS_AT_ONCE = 1000
const INCARNATION_BYTES = 16
const FIRST_RETRY_MS = 1000
const MAX_RETRY_MS = 60_000

/** Rejects with STORE_LOCKED, STORE_UNAVAILABLE, STORE_QUOTA, STORE_CORRUPT, or STORE_BLOCKED for a newer format. */
export async function openLevelStore({ directory, ...options }: LevelStoreOptions): Promise<Store> {
  return openStore(await LevelDatabase.open(directory), options)
}

/** The same on a database that is open. It belongs to the store from now on, and is closed where this rejects. */
export async function openStore(database: Database, options: StoreOptions): Promise<Store> {
  try {
    const incarnation = await prepare(database, options.env ?? systemEnv)
    const store = new LevelStore(database, incarnation, options)
    await store.resume()
    return store
  } catch (error) {
    await database.close()
    throw openFailure(error, database.location)
  }
}

async function prepare(database: Database, env: Env): Promise<Uint8Array> {
  const format = await database.get(storeKey("format"))
  const [written = 0, former = written] = format ?? [FORMAT]
  if (written < 1 || written > FORMAT) {
    throw new WeftError("STORE_BLOCKED", `a newer version of Weft has written ${database.location}`)
  }
  if (former < FORMAT) await upgradeFormat(database, former, FORMAT)
  const found = await database.get(storeKey("incarnation"))
  if (found !== undefined) return found
  const incarnation = env.randomBytes(INCARNATION_BYTES)
  await database.write([
    { key: storeKey("format"), value: Uint8Array.of(FORMAT) },
    { key: storeKey("incarnation"), value: incarnation },
  ])
  return incarnation
}

class LevelStore implements Store {
  readonly incarnation: Uint8Array
  readonly #database: Database
  readonly #options: StoreOptions
  readonly #env: Env
  readonly #elapsed: () => number
  readonly #commits = new GroupCommit<StoreWrite>((group) => this.#commit(group))
  readonly #known = new KnownDocuments()
  readonly #compaction: Compaction
  readonly #reads = new Set<Promise<unknown>>()
  #failure: WeftError | undefined
  #retryMs = FIRST_RETRY_MS
  #retry: { readonly timer: Timer } | undefined
  #recovering: Promise<void> | undefined
  #closing: Promise<void> | undefined

  constructor(database: Database, incarnation: Uint8Array, options: StoreOptions) {
    const env = options.env ?? systemEnv
    this.incarnation = incarnation
    this.#database = database
    this.#options = options
    this.#env = env
    this.#elapsed = options.elapsed ?? (() => env.now())
    this.#compaction = new Compaction({
      database,
      // Also while the store closes: what is under way is finished.
      write: (operation) =>
        this.#commits.add({ kind: "put", operations: [operation], bytes: operation.value?.length ?? 0 }),
    })
  }

  resume(): Promise<void> {
    return this.#compaction.resume()
  }

  get failed(): boolean {
    return this.#failure !== undefined
  }

  get pendingWrites(): number {
    return this.#commits.size
  }

  async space(): Promise<Space | undefined> {
    return this.#database.space?.()
  }

  append(append: Append): Promise<void> {
    return this.#write({ kind: "append", append, bytes: bytesOfWrite(append) })
  }

  async replace(replace: Replace): Promise<void> {
    await this.#write({ kind: "replace", replace, bytes: bytesOfWrite(replace) })
    if (replace.erased === true) this.#compaction.request(replace.document)
  }

  async mend(document: StoredName, whole: Mended | undefined): Promise<void> {
    const stored = await this.#read(() => this.#database.scan(updateRange(document), (key) => new Uint8Array(key)))
    const operations = new Map<string, Operation>()
    const put = (key: Uint8Array, value: Uint8Array | undefined): void => {
      operations.set(Buffer.from(key).toString("latin1"), { key, value })
    }
    for (const key of stored) put(key, undefined)
    if (whole !== undefined) put(updateKey(document, 0), whole.update)
    const { digest, stateVector } = whole ?? {}
    put(
      metaKey(document, SUMMARY),
      whole && encodeSummaryRecord({ covers: 0, bytes: whole.update.length, summary: whole.summary }),
    )
    put(stateVectorKey(document), stateVector && encodeStateVectorRecord(0, stateVector))
    put(digestKey(document), digest)
    // Among what goes may be texts that were erased since.
    put(erasedKey(document), new Uint8Array(0))
    await this.#put(Array.from(operations.values()))
    this.#known.clear()
    this.#compaction.request(document)
  }

  putSetting(key: string, value: Uint8Array): Promise<void> {
    return this.#put([{ key: settingKey(key), value }])
  }

  putAside(document: DocumentName, name: string, update: Uint8Array | undefined): Promise<void> {
    return this.#put([{ key: asideKey(document, name), value: update }])
  }

  putRegisters(
    conversation: ConversationId,
    changes: ReadonlyMap<DeviceId, Uint8Array | undefined>,
    digest: Uint8Array | undefined,
  ): Promise<void> {
    const operations = Array.from(changes, ([device, value]) => ({ key: registerKey(conversation, device), value }))
    return this.#put([...operations, { key: registersKey(conversation), value: digest }])
  }

  registers(conversation: ConversationId): Promise<Uint8Array[]> {
    return this.#read(() => this.#database.scan(registerRange(conversation), (_, value) => new Uint8Array(value)))
  }

  putStandings(
    conversation: ConversationId,
    changes: Iterable<readonly [UserId, Standing]>,
    opener?: UserId,
  ): Promise<void> {
    const rows = Array.from(changes, ([user, standing]) => ({
      key: standingKey(user, conversation),
      value: encodeStanding(standing),
    }))
    if (opener !== undefined) rows.push({ key: openedKey(opener, conversation), value: new Uint8Array() })
    return this.#put(rows)
  }

  async opened(user: UserId): Promise<Set<ConversationId>> {
    const found = await this.#read(() =>
      this.#database.scan(openedRange(user), (bytes) => {
        const key = parseKey(bytes)
        return key?.kind === "opened" ? parseConversationId(key.conversation) : undefined
      }),
    )
    return new Set(found)
  }

  async standings(user: UserId): Promise<Map<ConversationId, Standing>> {
    const found = await this.#read(() =>
      this.#database.scan(standingRange(user), (bytes, value) => {
        const key = parseKey(bytes)
        const conversation = key?.kind === "standing" ? parseConversationId(key.conversation) : undefined
        return conversation === undefined ? undefined : ([conversation, decodeStanding(value)] as const)
      }),
    )
    return new Map(found)
  }

  getSetting(key: string): Promise<Uint8Array | undefined> {
    return this.#read(() => this.#database.get(settingKey(key)))
  }

  load(document: StoredName): Promise<StoredDocument | undefined> {
    return this.#read(async () => {
      // Before the updates: a replacement in between makes it stale, never wrong.
      const generation = this.#known.generationOf(document)
      const { state, record, later } = await this.#database.read((reader) => readState(reader, document))
      if (state.clocks === undefined) return undefined
      for (const update of later) {
        if (!isReadable(document, update)) throw damaged(document, "an update can't be read")
      }
      return {
        summary: record?.summary,
        later,
        updates: state.clocks.last - state.clocks.first + 1,
        clock: state.clocks.last,
        bytes: state.bytes,
        generation,
      }
    })
  }

  updates(document: StoredName): Promise<Uint8Array[]> {
    return this.#read(async () => {
      const entries = await this.#database.read((reader) => reader.entries(updateRange(document)))
      return entries.map(([, update]) => update)
    })
  }

  documents(conversation?: ConversationId): Promise<DocumentName[]> {
    return this.#read(async () => {
      const ranges = conversation === undefined ? [stateVectorRange] : conversationRanges(conversation)
      const found = await Promise.all(ranges.map((range) => this.#database.scan(range, documentOfKey)))
      return found.flat().sort(compareText)
    })
  }

  erasing(now: number): Promise<DocumentName[]> {
    return this.#read(() =>
      this.#database.scan(erasingRange, (bytes, value) => {
        const key = parseKey(bytes)
        if (key?.kind !== "erasing" || decodeTime(value) > now) return undefined
        return parseDocumentName(key.document)?.name
      }),
    )
  }

  digests(conversation: ConversationId): Promise<ConversationDigests> {
    return this.#read(() => this.#digests(conversation))
  }

  digestsAfter(after: ConversationId | undefined): Promise<readonly ConversationDigests[]> {
    return this.#read(async () => {
      const entries = await this.#database.read((reader) => reader.entries(digestsAfterRange(after), DIGESTS_AT_ONCE))
      const found = groupDigests(entries)
      const last = found.at(-1)
      if (last === undefined || entries.length < DIGESTS_AT_ONCE) return found
      // It may go on behind the end of the page.
      return [...found.slice(0, -1), await this.#digests(last.conversation)]
    })
  }

  async #digests(conversation: ConversationId): Promise<ConversationDigests> {
    const entries = await this.#database.read((reader) => reader.entries(digestRange(conversation)))
    return groupDigests(entries)[0] ?? { conversation, documents: [], registers: undefined }
  }

  accountDigest(account: AccountName): Promise<Uint8Array | undefined> {
    return this.#read(() => this.#database.get(digestKey(account)))
  }

  accountDigests(): Promise<{ account: AccountName; digest: Uint8Array }[]> {
    return this.#read(() =>
      this.#database.scan(accountRange, (bytes, digest) => {
        const key = parseKey(bytes)
        const account = key?.kind === "account" ? parseAccountName(key.account)?.name : undefined
        // A small array of its own costs a third of the memory of LevelDB's buffer.
        return account === undefined ? undefined : { account, digest: new Uint8Array(digest) }
      }),
    )
  }

  async countDocuments(): Promise<number> {
    let count = 0
    await this.#read(() =>
      this.#database.scan(digestsAfterRange(undefined), (key) => {
        if (parseKey(key)?.kind === "digest") count++
        return undefined
      }),
    )
    return count
  }

  asides(document: DocumentName): Promise<{ name: string; update: Uint8Array }[]> {
    return this.#read(async () => {
      const entries = await this.#database.read((reader) => reader.entries(asideRange(document)))
      return entries.flatMap(([bytes, update]) => {
        const key = parseKey(bytes)
        return key?.kind === "aside" ? [{ name: key.name, update }] : []
      })
    })
  }

  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    await this.#compaction.close()
    await this.#commits.idle()
    await Promise.allSettled(this.#reads)
    if (this.#retry !== undefined) this.#env.clearTimer(this.#retry.timer)
    await this.#recovering
    await this.#database.close()
  }

  #put(operations: readonly Operation[]): Promise<void> {
    // Keys too: of many small values they are most of it.
    const bytes = operations.reduce((sum, { key, value }) => sum + key.length + (value?.length ?? 0), 0)
    return this.#write({ kind: "put", operations, bytes })
  }

  #write(write: StoreWrite): Promise<void> {
    return this.#closing === undefined ? this.#commits.add(write) : Promise.reject(closed())
  }

  #read<T>(read: () => Promise<T>): Promise<T> {
    if (this.#closing !== undefined) return Promise.reject(closed())
    const result = read()
    this.#reads.add(result)
    const forget = (): void => void this.#reads.delete(result)
    result.then(forget, forget)
    return result
  }

  async #commit(group: readonly StoreWrite[]): Promise<ReadonlyMap<StoreWrite, WeftError>> {
    if (this.#failure !== undefined) throw this.#failure
    try {
      const { operations, states, refused } = await stageGroup(this.#database, this.#known, group)
      if (operations.length > 0) await this.#commitBatch(operations, group)
      this.#known.remember(states)
      return refused
    } catch (error) {
      this.#known.clear()
      throw this.#fail(storeFailure(error))
    }
  }

  async #commitBatch(operations: readonly Operation[], group: readonly StoreWrite[]): Promise<void> {
    const started = this.#elapsed()
    await this.#database.write(operations)
    const ms = this.#elapsed() - started
    let bytes = 0
    for (const { value } of operations) bytes += value?.length ?? 0
    this.#options.onCommit?.({ writes: group.length, bytes, ms })
  }

  /** Nothing is acknowledged from here until a probe has been synced. */
  #fail(failure: WeftError): WeftError {
    this.#failure = failure
    this.#retryMs = FIRST_RETRY_MS
    this.#retryLater()
    this.#options.onFailure?.(failure)
    return failure
  }

  #retryLater(): void {
    const timer = this.#env.setTimer(this.#retryMs, () => {
      this.#retry = undefined
      if (this.#closing === undefined) this.#recovering = this.#recover()
    })
    this.#retry = { timer }
    this.#retryMs = Math.min(2 * this.#retryMs, MAX_RETRY_MS)
  }

  /** Never rejects. */
  async #recover(): Promise<void> {
    try {
      await this.#database.recover({ key: storeKey("probe"), value: new Uint8Array(0) })
    } catch {
      if (this.#closing === undefined) this.#retryLater()
      return
    }
    this.#failure = undefined
    this.#compaction.retry()
    this.#options.onRecovery?.()
  }
}

function closed(): WeftError {
  return new WeftError("STORE_CLOSED", "the store has been closed")
}

/** Its documents' names have 28 to 37 bytes: `c/`, 24 letters, `/`, then `control` or up to ten digits. */
function conversationRanges(conversation: ConversationId): KeyRange[] {
  const prefix = `c/${conversation}/`
  return Array.from({ length: 10 }, (_, index) => stateVectorPrefixRange(prefix, prefix.length + index + 1))
}

/** The document that a key names; none where it is no name of ours, as in a store that others write too. */
function documentOfKey(bytes: Uint8Array): DocumentName | undefined {
  const key = parseKey(bytes)
  return key?.kind === "stateVector" ? parseDocumentName(key.document)?.name : undefined
}

function isReadable(document: StoredName, update: Uint8Array): boolean {
  return (parseAccountName(document) === undefined ? decodeUpdate(update) : readNative(update)) !== undefined
}
