import {
  ACCOUNT_PAGE,
  digestOfNative,
  emptyNativeSummary,
  equalBytes,
  readNativeVector,
  wireDigest,
  type AccountName,
  type FrameOf,
  type RefusalCode,
} from "@weft/sdk/protocol"
import type { AccountChange } from "../document/account.js"
import type { Source } from "../document/source.js"
import { userOf } from "../document/source.js"
import { reachLevel } from "../peer/copies.js"
import type { PeerUpdates } from "../peer/peer-updates.js"
import type { Shared, Wire } from "./session-ports.js"

/** One comparison with a peer. */
interface AccountRound {
  readonly named: Set<AccountName>
  readonly digests: ReadonlyMap<AccountName, Uint8Array>
}

/** The part of a session that concerns accounts: those of its user, or of a peer all. [SPEC U5, U7] */
export class AccountSession {
  readonly #source: Source
  readonly #shared: Shared
  readonly #wire: Wire
  readonly #updates: PeerUpdates | undefined
  #round: AccountRound | undefined

  constructor(source: Source, shared: Shared, wire: Wire, updates: PeerUpdates | undefined) {
    this.#source = source
    this.#shared = shared
    this.#wire = wire
    this.#updates = updates
  }

  relay({ account, updates, copies }: AccountChange): void {
    if (this.#updates !== undefined) this.#updates.sendAccount(account, updates, [copies])
    else for (const update of updates) this.#wire.send({ kind: "accountUpdate", id: 0, account, update })
  }

  /** Says what is here of an account, to have the rest. */
  ask(name: AccountName): Promise<void> {
    return this.#tell(name, true)
  }

  /** Says what is here of all accounts; what differs comes back. */
  async compareAll(): Promise<void> {
    const items = Array.from(await this.#shared.accounts.digests(), ([account, digest]) => ({ account, digest }))
    for (let at = 0; at === 0 || at < items.length; at += ACCOUNT_PAGE) {
      const last = at + ACCOUNT_PAGE >= items.length
      this.#wire.send({ kind: "accounts", last, items: items.slice(at, at + ACCOUNT_PAGE) })
      await this.#wire.drained()
    }
  }

  /** A peer's accounts: asks for those that differ, and tells of those that it lacks. */
  async onAccounts({ items, last }: FrameOf<"accounts">): Promise<void> {
    const round = (this.#round ??= { named: new Set(), digests: await this.#shared.accounts.digests() })
    const { named, digests } = round
    for (const { account, digest } of items) {
      named.add(account)
      const own = digests.get(account)
      if (own === undefined || !equalBytes(own, digest)) await this.ask(account)
    }
    if (!last) return
    this.#round = undefined
    for (const account of digests.keys()) if (!named.has(account)) await this.ask(account)
  }

  async onAccount({ account: name, reply, digest, vector }: FrameOf<"account">): Promise<void> {
    const held = readNativeVector(vector)
    if (held === undefined) {
      this.#wire.refuse("BAD_FRAME", "not a state vector")
      return
    }
    const account = this.#shared.accounts.account(name)
    const snapshot = account.mayUse(userOf(this.#source)) ? await account.read(held, digest) : "FORBIDDEN"
    if (typeof snapshot === "string") {
      this.#refuse(0, name, snapshot, 0)
      return
    }
    for (const update of snapshot.updates) {
      await this.#wire.drained()
      if (this.#updates !== undefined) this.#updates.sendAccount(name, [update], [])
      else this.#wire.send({ kind: "accountUpdate", id: 0, account: name, update })
    }
    this.#wire.send({ kind: "accountServed", account: name, digest: snapshot.digest })
    if (reply && !equalBytes(snapshot.digest, digest)) {
      this.#wire.send({
        kind: "account",
        account: name,
        reply: false,
        digest: snapshot.digest,
        vector: snapshot.vector,
      })
    }
  }

  /** Acknowledges what is as durable as the operator asks. Nothing before. */
  async onUpdate({ id, account: name, update }: FrameOf<"accountUpdate">): Promise<void> {
    const { env, ack, limits, metrics, log, accounts } = this.#shared
    const outcome = await accounts.account(name).submit(this.#source, update)
    if (outcome.kind === "refused") {
      this.#refuse(id, name, outcome.code, outcome.retryAfterMs)
      return
    }
    const level = this.#source.kind === "peer" ? ({ kind: "local" } as const) : ack
    try {
      if (!(await reachLevel(outcome, { env, level, timeoutMs: limits.peerAckMs }))) {
        metrics.peerAckTimeouts.inc()
        this.#refuse(id, name, "STORAGE_FAILED", 0)
        return
      }
    } catch (error) {
      log.error({ err: error, document: name }, "an account's update is not durable")
      this.#refuse(id, name, "STORAGE_FAILED", 0)
      return
    }
    if (id !== 0) this.#wire.send({ kind: "ack", id, copies: 1 + outcome.copies.count })
  }

  #refuse(id: number, account: AccountName, code: RefusalCode, retryAfterMs: number): void {
    this.#shared.metrics.rejects.inc({ code })
    this.#wire.send({ kind: "accountRefused", id, account, code, retryAfterMs: Math.ceil(retryAfterMs) })
  }

  async #tell(account: AccountName, reply: boolean): Promise<void> {
    const nothing = wireDigest(digestOfNative(account, emptyNativeSummary))
    const own = await this.#shared.accounts
      .account(account)
      .read(new Map(), (await this.#shared.accounts.digest(account)) ?? nothing)
    if (typeof own === "string") return
    const { digest, vector } = own
    this.#wire.send({ kind: "account", account, reply, digest, vector })
    await this.#wire.drained()
  }
}
