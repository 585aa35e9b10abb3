import { wireDigest, type AccountName } from "@weft/sdk/protocol"
import { Account, type AccountPorts } from "./account.js"

/** Accounts that are kept in memory. */
const MAX_ACTIVE = 2_000

/** The accounts: a digest of each, and those in use. */
export class Accounts {
  readonly #ports: Omit<AccountPorts, "digested">
  readonly #digests = new Map<AccountName, Uint8Array>()
  /** By use, the longest unused first. */
  readonly #active = new Map<AccountName, Account>()

  constructor(ports: Omit<AccountPorts, "digested">) {
    this.#ports = ports
  }

  /** Reads what the store holds. */
  async open(): Promise<void> {
    for (const { account, digest } of await this.#ports.store.accountDigests())
      this.#digests.set(account, wireDigest(digest))
  }

  /** All that are stored, with their digests as frames carry them. */
  get digests(): ReadonlyMap<AccountName, Uint8Array> {
    return this.#digests
  }

  /** Ask it at once: what is idle may be dropped in any later turn. */
  account(name: AccountName): Account {
    const present = this.#active.get(name)
    const account =
      present ??
      new Account(name, {
        ...this.#ports,
        digested: (of, digest) => {
          this.#digests.set(of, wireDigest(digest))
        },
      })
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
