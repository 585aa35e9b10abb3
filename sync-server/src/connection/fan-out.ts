import type { DocumentName, UserId } from "@weft/sdk/protocol"
import type { AccountChange } from "../document/account.js"
import type { Change, Readers } from "../document/change.js"
import type { Origin } from "../document/source.js"
import { Batch } from "./batch.js"
import type { Party } from "./party.js"

/** Whoever is told of changes while it is connected. */
export interface Subscriber {
  /** What it brought itself it is not told. */
  readonly origin: Origin
  relay(batch: Batch): void
  relayAccount?(change: AccountChange): void
}

/** One that speaks our frames. */
export interface NativeSubscriber extends Subscriber {
  /** Sends a frame that is bound to no order. */
  pass(frame: Uint8Array): void
}

/** Who is connected, and what goes to whom; one batch for each document and turn. [SPEC S7] */
export class FanOut {
  readonly #users = new Map<UserId, readonly NativeSubscriber[]>()
  readonly #stock = new Map<DocumentName, Map<Subscriber, UserId>>()
  /** A peer may have several connections: each to the other, for one. One is enough. */
  readonly #peers = new Map<string, readonly NativeSubscriber[]>()
  readonly #defer: (call: () => void) => void
  readonly #onRelay: (updates: number) => void
  #pending: Change[] = []

  constructor(defer: (call: () => void) => void, onRelay: (updates: number) => void) {
    this.#defer = defer
    this.#onRelay = onRelay
  }

  add(party: Party, subscriber: NativeSubscriber): void {
    if (party.kind === "device") addTo(this.#users, party.user, subscriber)
    else addTo(this.#peers, party.key, subscriber)
  }

  delete(party: Party, subscriber: NativeSubscriber): void {
    if (party.kind === "device") deleteFrom(this.#users, party.user, subscriber)
    else deleteFrom(this.#peers, party.key, subscriber)
  }

  addStock(document: DocumentName, user: UserId, subscriber: Subscriber): void {
    const readers = this.#stock.get(document) ?? new Map<Subscriber, UserId>()
    this.#stock.set(document, readers.set(subscriber, user))
  }

  deleteStock(document: DocumentName, subscriber: Subscriber): void {
    const readers = this.#stock.get(document)
    readers?.delete(subscriber)
    if (readers?.size === 0) this.#stock.delete(document)
  }

  /** A frame that is bound to no order, to every device. */
  passToDevices(frame: Uint8Array): void {
    for (const subscribers of this.#users.values()) for (const subscriber of subscribers) subscriber.pass(frame)
  }

  connectionsOf(user: UserId): Iterable<NativeSubscriber> {
    return this.#users.get(user) ?? []
  }

  /** Native connections of these users, and one of each peer. */
  *nativesOf(readers: Readers): Iterable<NativeSubscriber> {
    for (const user of readers.keys()) yield* this.connectionsOf(user)
    for (const [first] of this.#peers.values()) if (first !== undefined) yield first
  }

  stockOn(document: DocumentName): Iterable<Subscriber> {
    return this.#stock.get(document)?.keys() ?? []
  }

  get peerCount(): number {
    return this.#peers.size
  }

  relay(change: Change): void {
    this.#pending.push(change)
    if (this.#pending.length === 1) {
      this.#defer(() => {
        this.flush()
      })
    }
  }

  /** To the user's other connections, and to peers. [SPEC U5] */
  relayAccount(change: AccountChange): void {
    const devices = change.peersOnly ? [] : this.connectionsOf(change.user)
    const peers = Array.from(this.#peers.values()).flatMap(([first]) => first ?? [])
    let sent = 0
    for (const subscriber of [...devices, ...peers]) {
      if (subscriber.origin === change.origin) continue
      subscriber.relayAccount?.(change)
      sent++
    }
    this.#onRelay(sent)
  }

  /** Sends what waits for the end of the turn, now. */
  flush(): void {
    const pending = this.#pending
    this.#pending = []
    const groups = new Map<DocumentName, Change[]>()
    for (const change of pending) {
      let group = groups.get(change.document) ?? []
      // Those who may read changed in between: what came before is not for the new ones, and the reverse.
      if (group.length > 0 && group[0]?.readers !== change.readers) {
        this.#send(change.document, group)
        group = []
      }
      group.push(change)
      groups.set(change.document, group)
    }
    for (const [document, changes] of groups) this.#send(document, changes)
  }

  #send(document: DocumentName, changes: readonly Change[]): void {
    const origins = new Set(changes.map(({ origin }) => origin))
    const whole = new Batch(document, changes)
    const partial = new Map<Origin, Batch>()
    let sent = 0
    const tell = (subscriber: Subscriber): void => {
      const { origin } = subscriber
      let batch = whole
      if (origins.has(origin)) {
        if (origins.size === 1) return
        batch =
          partial.get(origin) ??
          new Batch(
            document,
            changes.filter((change) => change.origin !== origin),
          )
        partial.set(origin, batch)
      }
      sent++
      subscriber.relay(batch)
    }
    const readers = changes[0]?.readers
    if (readers === undefined) return
    for (const user of readers.keys()) for (const subscriber of this.#users.get(user) ?? []) tell(subscriber)
    for (const [subscriber, user] of this.#stock.get(document) ?? []) if (readers.has(user)) tell(subscriber)
    for (const [first] of this.#peers.values()) if (first !== undefined) tell(first)
    this.#onRelay(sent)
  }
}

// Lists, as most have one connection or two: a set takes twice the memory.
type Lists<K> = Map<K, readonly NativeSubscriber[]>

function addTo<K>(lists: Lists<K>, key: K, subscriber: NativeSubscriber): void {
  lists.set(key, [...(lists.get(key) ?? []), subscriber])
}

function deleteFrom<K>(lists: Lists<K>, key: K, subscriber: NativeSubscriber): void {
  const others = lists.get(key)?.filter((other) => other !== subscriber) ?? []
  if (others.length > 0) lists.set(key, others)
  else lists.delete(key)
}
