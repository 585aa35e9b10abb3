import { openIndexedDbStorage } from "../../sdk/src/storage/indexeddb.js"
import type { Storage } from "../../sdk/src/storage/storage.js"
import { codeOf } from "../contract/check.js"

/** Moves of a client's entries that go on by one part when told to: one ends, and the next one begins. */
export class SteppedMoves {
  /** How moves ended: "ok" or a code. */
  readonly ends: string[] = []
  private storage: Storage | undefined
  private moving: Promise<void> | undefined
  private goOn = (): void => undefined
  private reached = (): void => undefined
  private steps: Promise<void> = Promise.resolve()

  /** Beside the tab's own handles, as another tab would. Parts are as small as they can be: 32 entries. */
  static async open(name: string): Promise<SteppedMoves> {
    const moves = new SteppedMoves()
    const turn = (): Promise<void> => moves.turn()
    moves.storage = await openIndexedDbStorage({ name, pace: { partBytes: 1, turn } })
    return moves
  }

  /** Resolves at the next pause, or at the end of a move. One step after another, however often this is called. */
  step(): Promise<void> {
    this.steps = this.steps.then(async () => {
      const reached = new Promise<void>((resolve) => {
        this.reached = resolve
      })
      if (this.moving === undefined) this.begin()
      else this.goOn()
      await reached
    })
    return this.steps
  }

  /** To the end of the move under way, or of a whole one. */
  async finish(): Promise<string> {
    const before = this.ends.length
    while (this.ends.length === before) await this.step()
    return this.ends.at(-1) ?? ""
  }

  get isUnderWay(): boolean {
    return this.moving !== undefined
  }

  /** In the middle of a move, if one is under way. */
  async close(): Promise<void> {
    await this.steps
    const closing = this.storage?.close()
    this.goOn()
    await closing
    await this.moving
  }

  /** A storage that moves by one part with each operation, so that whatever follows finds it somewhere else. */
  wrap(storage: Storage): Storage {
    const underWay = new Set<Promise<unknown>>()
    const stepping = <T>(operation: Promise<T>): Promise<T> => {
      const step = this.step()
      const both = operation.finally(() => step)
      const settled = both.catch(() => undefined)
      underWay.add(settled)
      return both
    }
    return {
      kind: storage.kind,
      get: (key) => stepping(storage.get(key)),
      scan: (range) => stepping(storage.scan(range)),
      keys: (range) => stepping(storage.keys(range)),
      write: (batch, options) => stepping(storage.write(batch, options)),
      keyPair: () => stepping(storage.keyPair()),
      estimate: () => stepping(storage.estimate()),
      close: async () => {
        await storage.close()
        await Promise.all(underWay)
      },
    }
  }

  private begin(): void {
    this.moving = this.storage
      ?.compact?.([])
      .then(
        () => "ok",
        (error: unknown) => codeOf(error) ?? String(error),
      )
      .then((end) => {
        this.ends.push(end)
        this.moving = undefined
        this.reached()
      })
  }

  private turn(): Promise<void> {
    return new Promise((resolve) => {
      this.goOn = resolve
      this.reached()
    })
  }
}
