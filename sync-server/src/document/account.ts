import {
  compactNative,
  createQueue,
  digestOfNative,
  encodeNative,
  encodeNativeVector,
  judgeNative,
  MAX_ACCOUNT_BYTES,
  MAX_FRAME_UPDATE_BYTES,
  nativeBeyond,
  readNative,
  readNativeContents,
  splitNative,
  summarizeNative,
  userOfAccount,
  WeftError,
  wireDigest,
  type AccountName,
  type NativeSummary,
  type NativeUpdate,
  type NativeVector,
  type RefusalCode,
  type UserId,
} from "@weft/sdk/protocol"
import type { ServerEnv } from "../env.js"
import type { Rates } from "../limits/rates.js"
import type { Log } from "../observe/log.js"
import type { Metrics } from "../observe/metrics.js"
import type { Store, StoredName } from "../store/store.js"
import { isDamage } from "./damage.js"
import { Confirmations } from "./outcome.js"
import { userOf, type Origin, type Source } from "./source.js"
import { readAccount } from "./stored-account.js"

export interface AccountPorts {
  readonly store: Store
  readonly env: ServerEnv
  readonly metrics: Metrics
  readonly log: Log
  readonly written: Rates
  /** Documents that can't be read. */
  readonly quarantined: Set<StoredName>
  /** Whether acknowledgements wait for peers: then what was sent again is relayed to them again. */
  readonly awaitsPeers: boolean
  relay(change: AccountChange): void
}

/** What the other devices of a user are to be told. */
export interface AccountChange {
  readonly account: AccountName
  readonly user: UserId
  readonly updates: readonly Uint8Array[]
  readonly origin: Origin
  readonly copies: Confirmations
  /** The devices have it. */
  readonly peersOnly: boolean
}

export type AccountOutcome =
  | { readonly kind: "refused"; readonly code: RefusalCode; readonly retryAfterMs: number }
  | { readonly kind: "accepted"; readonly durable: Promise<void>; readonly copies: Confirmations }

/** What a replica lacks of an account, as of one moment. */
export interface AccountSnapshot {
  readonly updates: readonly Uint8Array[]
  readonly digest: Uint8Array
  readonly vector: Uint8Array
}

const RETRY_MS = 1_000
/** Fewer updates cost less to read than a merge to write. */
const MERGE_UPDATES = 64

interface Loaded {
  summary: NativeSummary
  /** Of all stored updates, and on their way. */
  bytes: number
  updates: number
}

/** A user's private document in memory: what was accepted, not its contents; and the one queue through which it changes. [SPEC U] */
export class Account {
  readonly name: AccountName
  usedAt = 0
  readonly #user: UserId
  readonly #ports: AccountPorts
  readonly #queue = createQueue()
  #loaded: Loaded | undefined
  /** Resolves when nothing is on its way to the store. */
  #written: Promise<void> = Promise.resolve()
  #durable: Promise<void> = Promise.resolve()
  #pending = 0
  #merging: Promise<void> | undefined

  constructor(name: AccountName, ports: AccountPorts) {
    this.name = name
    this.#user = userOfAccount(name)
    this.#ports = ports
  }

  get isIdle(): boolean {
    return this.#pending === 0 && this.#merging === undefined
  }

  mayUse(user: UserId | undefined): boolean {
    return user === undefined || user === this.#user
  }

  async settled(): Promise<void> {
    await this.#merging
    await this.#queue(async () => undefined)
    await this.#written
  }

  /** Resolves after the check; `durable` of the outcome after the fsync. [SPEC U4, U5] */
  submit(source: Source, bytes: Uint8Array): Promise<AccountOutcome> {
    return this.#enqueue(async () => {
      if (!this.mayUse(userOf(source))) return refused("FORBIDDEN")
      const { written, env } = this.#ports
      const now = env.now()
      if (source.kind === "device") {
        if (written.allowance(source.device, now) < 1) {
          return refused("RATE_LIMITED", written.waitMs(source.device, 1, now))
        }
        written.take(source.device, 1, now)
      }
      const update = readNative(bytes)
      if (update === undefined) return refused("MALFORMED")
      try {
        return await this.#take(source, update)
      } catch (error) {
        return refused(this.#failed(error))
      }
    })
  }

  /** What a replica lacks that holds so much. Rejects where the store does. */
  read(held: NativeVector, digest: Uint8Array): Promise<AccountSnapshot | RefusalCode> {
    return this.#enqueue(async () => {
      try {
        const { summary } = await this.#load()
        await this.#durable
        const own = wireDigest(digestOfNative(this.name, summary))
        const vector = encodeNativeVector(summary.vector)
        if (Buffer.from(own).equals(digest)) return { updates: [], digest: own, vector }
        const { contents } = readAccount(await this.#ports.store.updates(this.name))
        return { updates: splitNative(nativeBeyond(contents, held), MAX_FRAME_UPDATE_BYTES), digest: own, vector }
      } catch (error) {
        return this.#failed(error)
      }
    })
  }

  #enqueue<T>(task: () => Promise<T>): Promise<T> {
    this.#pending++
    return this.#queue(task).finally(() => {
      this.#pending--
    })
  }

  async #load(): Promise<Loaded> {
    if (this.#loaded !== undefined) return this.#loaded
    await this.#written
    const updates = await this.#ports.store.updates(this.name)
    const { summary } = readAccount(updates)
    const bytes = updates.reduce((sum, { length }) => sum + length, 0)
    this.#durable = Promise.resolve()
    return (this.#loaded = { summary, bytes, updates: updates.length })
  }

  /** What can't be read is left alone; after anything else memory may be ahead of the store, and is read anew. */
  #failed(error: unknown): RefusalCode {
    const { log, metrics, quarantined } = this.#ports
    this.#loaded = undefined
    metrics.storeErrors.inc()
    log.error({ err: error, document: this.name }, "an account failed")
    if (!isDamage(error)) return error instanceof WeftError ? "STORAGE_FAILED" : "INTERNAL"
    quarantined.add(this.name)
    metrics.quarantined.set(quarantined.size)
    return "QUARANTINED"
  }

  async #take(source: Source, update: NativeUpdate): Promise<AccountOutcome> {
    const loaded = await this.#load()
    const verdict = judgeNative(update, loaded.summary)
    if (verdict.kind === "refused") return refused(verdict.code)
    const copies = new Confirmations()
    const relay = (updates: readonly Uint8Array[], peersOnly: boolean): void => {
      const { origin } = source
      this.#ports.relay({ account: this.name, user: this.#user, updates, origin, copies, peersOnly })
    }
    if (verdict.fresh === undefined) {
      if (this.#ports.awaitsPeers) {
        this.#afterwards(
          this.#durable.then(() => {
            relay([encodeNative(update)], true)
          }),
        )
      }
      return { kind: "accepted", durable: this.#durable, copies }
    }
    const [bytes = new Uint8Array()] = splitNative(verdict.fresh, Infinity)
    if (loaded.bytes + bytes.length > MAX_ACCOUNT_BYTES && (await this.#compactBytes(bytes)) > MAX_ACCOUNT_BYTES) {
      return refused("QUOTA_EXCEEDED")
    }
    this.#append(loaded, bytes, verdict.summary, () => {
      relay(splitNative(verdict.fresh ?? { order: [], deletes: new Map() }, MAX_FRAME_UPDATE_BYTES), false)
    })
    if (loaded.updates >= MERGE_UPDATES || loaded.bytes > MAX_ACCOUNT_BYTES) this.#mergeSoon()
    return { kind: "accepted", durable: this.#durable, copies }
  }

  #append(loaded: Loaded, update: Uint8Array, summary: NativeSummary, onDurable: () => void): void {
    const { store, metrics } = this.#ports
    const observe = metrics.appendSeconds.startTimer()
    const digest = digestOfNative(this.name, summary)
    loaded.summary = summary
    loaded.bytes += update.length
    loaded.updates++
    const written = store.append({
      document: this.name,
      update,
      digest,
      ...(loaded.updates === 1 && { stateVector: encodeNativeVector(summary.vector) }),
    })
    this.#durable = Promise.all([this.#durable, written]).then(() => undefined)
    this.#durable.catch(() => undefined)
    this.#afterwards(
      this.#durable.then(() => {
        observe()
        onDurable()
      }),
    )
  }

  /** Work behind the answer. If it fails, memory is ahead of the store. */
  #afterwards(work: Promise<void>): void {
    this.#pending++
    const done = work
      .catch((error: unknown) => {
        this.#failed(error)
      })
      .finally(() => {
        this.#pending--
      })
    this.#written = Promise.all([this.#written, done]).then(() => undefined)
  }

  /** Bytes of the whole document with this update, without what was deleted. */
  async #compactBytes(update: Uint8Array): Promise<number> {
    await this.#durable
    const stored = await this.#ports.store.updates(this.name)
    return encodeNative(compactNative(readNativeContents([...stored, update]))).length
  }

  #mergeSoon(): void {
    if (this.#merging !== undefined) return
    const { env } = this.#ports
    this.#merging = new Promise<void>((resolve) => {
      env.setTimer(0, resolve)
    })
      .then(() => this.#enqueue(() => this.#merge()))
      .catch((error: unknown) => {
        this.#failed(error)
      })
      .finally(() => {
        this.#merging = undefined
      })
  }

  /** Puts one update without what was deleted in the place of all. [SPEC U6] */
  async #merge(): Promise<void> {
    const { store, metrics } = this.#ports
    await this.#durable
    const stored = await store.load(this.name)
    if (stored === undefined || this.#loaded === undefined) return
    const contents = compactNative(readNativeContents(await store.updates(this.name)))
    const update = encodeNative(contents)
    const summary = summarizeNative(contents)
    await store.replace({
      document: this.name,
      update,
      summary: new Uint8Array(),
      digest: digestOfNative(this.name, summary),
      stateVector: encodeNativeVector(summary.vector),
      covers: stored.clock,
      generation: stored.generation,
    })
    this.#loaded.bytes = update.length
    this.#loaded.updates = 1
    metrics.merges.inc()
  }
}

function refused(code: RefusalCode, retryAfterMs = RETRY_MS): AccountOutcome {
  return { kind: "refused", code, retryAfterMs }
}
