/** Counts what is open by name, up to a bound for each: sockets of an address, of a user. */
export class Slots {
  readonly #open = new Map<string, number>()

  /** Takes one, or says that all are taken. The returned function gives it back, once. */
  take(name: string, bound: number): (() => void) | undefined {
    const open = this.#open.get(name) ?? 0
    if (open >= bound) return undefined
    this.#open.set(name, open + 1)
    let taken = true
    return () => {
      if (!taken) return
      taken = false
      const left = (this.#open.get(name) ?? 1) - 1
      if (left === 0) this.#open.delete(name)
      else this.#open.set(name, left)
    }
  }
}
