import { wireDigest, type AccountName } from "@weft/sdk/protocol"
import { Account, type AccountPorts } from "./account.js"

/** Accounts that are kept in memory. */
const MAX_ACTIVE = 2_000

/** The accounts: those in use. */
export class Accounts {
  readonly #ports: AccountPorts
  /** By use, the longest unused first. */
  readonly #active = new Map<AccountName, Account>()

  constructor(ports: AccountPorts) {
    this.#ports = ports
  }

  /** Of one that is stored, as frames carry it. */
  async digest(name: AccountName): Promise<Uint8Array | undefined> {
    const digest = await this.#ports.store.accountDigest(name)
    return digest && wireDigest(digest)
  }

  /** All that are stored, with their digests as frames carry them. */
  async digests(): Promise<ReadonlyMap<AccountName, Uint8Array>> {
    const stored = await this.#ports.store.accountDigests()
    return new Map(stored.map(({ account, digest }) => [account, wireDigest(digest)]))
  }

  /** Ask it at once: what is idle may be dropped in any later turn. */
  account(name: AccountName): Account {
    const present = this.#active.get(name)
    const account = present ?? new Account(name, this.#ports)
    this.#active.delete(name)
    this.#active.set(name, account)
    if (this.#active.size > MAX_ACTIVE) this.#evict()
    return account
  }

  async settled(): Promise<void> {
    await Promise.all(Array.from(this.#active.values(), (account) => account.settled()))
  }

  #evict(): void {
    for (const [name, account] of this.#active) {
      if (!account.isIdle) continue
      this.#active.delete(name)
      return
    }
  }
}
