import type { Env } from "../base/env.js"
import { WeftError } from "../base/errors.js"
import { GUARD_KEY, imprintPrefix, IMPRINTS_KEY } from "../log/keys.js"
import { equalBytes } from "../protocol/bytes.js"
import { prefixRange, type Storage, type StorageOperation } from "../storage/storage.js"

/** With which the writer writes: a storage that holds another value under the key takes nothing. */
export interface Guard {
  readonly key: string
  readonly value: Uint8Array
}

/** The writer's hold on a storage: whoever took it last is the writer, and what others write fails. [SPEC W3] */
export class WriterGuard {
  private current: Guard | undefined
  private wanted = false

  constructor(
    private readonly storage: Storage,
    private readonly env: Pick<Env, "randomBytes">,
  ) {}

  /** Undefined while another tab is the writer. */
  get held(): Guard | undefined {
    return this.current
  }

  /** Whether this tab is to be the writer. */
  get isWanted(): boolean {
    return this.wanted
  }

  setWanted(wanted: boolean): void {
    this.wanted = wanted
  }

  /** Takes it from whoever holds it; undefined where it is wanted no more. Rejects with STORE_*. */
  async take(): Promise<Guard | undefined> {
    const value = this.env.randomBytes(16)
    while (this.wanted && !(await this.writeOnce(value)));
    if (!this.wanted) return undefined
    this.current = { key: GUARD_KEY, value }
    return this.current
  }

  drop(): void {
    this.current = undefined
  }

  /**
   * Writes the guard, and beside it that who holds it keeps imprints. Where the one before kept none, they say nothing of
   * what that one wrote, and go. False where somebody else took the guard meanwhile. [SPEC S13]
   */
  private async writeOnce(value: Uint8Array): Promise<boolean> {
    const { storage } = this
    const [before, keeper] = await Promise.all([storage.get(GUARD_KEY), storage.get(IMPRINTS_KEY)])
    const isKept = before !== undefined && keeper !== undefined && equalBytes(before, keeper)
    const imprints = isKept ? [] : await storage.keys(prefixRange(imprintPrefix))
    try {
      await storage.write(
        [
          { kind: "put", key: GUARD_KEY, value },
          { kind: "put", key: IMPRINTS_KEY, value },
          ...imprints.map((key): StorageOperation => ({ kind: "delete", key })),
        ],
        { durability: "strict", guard: { key: GUARD_KEY, value: before } },
      )
      return true
    } catch (error) {
      if (error instanceof WeftError && error.code === "STORE_FENCED") return false
      throw error
    }
  }
}
