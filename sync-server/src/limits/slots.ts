/** Counts what is open by name, up to a bound for each: sockets of an address, of a user. */
export class Slots {
  readonly #open = new Map<string, number>()

  /** Takes one; false: all are taken. */
  take(name: string, bound: number): boolean {
    const open = this.#open.get(name) ?? 0
    if (open >= bound) return false
    this.#open.set(name, open + 1)
    return true
  }

  /** Gives one back that was taken. */
  give(name: string): void {
    const left = (this.#open.get(name) ?? 1) - 1
    if (left === 0) this.#open.delete(name)
    else this.#open.set(name, left)
  }
}
