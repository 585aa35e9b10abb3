import type { World } from "./world.js"

/** What happened, as a hash that two plays of a seed must share; and, where somebody wants to read it, as lines. */
export class Trace {
  #hash = 0x811c9dc5

  constructor(
    private readonly world: World,
    private readonly write: ((line: string) => void) | undefined,
  ) {}

  get hash(): string {
    return this.#hash.toString(16).padStart(8, "0")
  }

  /** Something small that happens often; `describe` is asked only where somebody reads. */
  mark(kind: string, where: string, size: number, describe?: () => string): void {
    this.#mix(Math.floor(this.world.now * 16))
    this.#mix(size)
    this.#text(kind)
    this.#text(where)
    if (this.write !== undefined) this.#line(`${kind} ${where} ${size} ${describe?.() ?? ""}`)
  }

  /** Something that a reader wants to see. */
  tell(text: string): void {
    this.#text(text)
    if (this.write !== undefined) this.#line(text)
  }

  #line(text: string): void {
    this.write?.(`${this.world.now.toFixed(1).padStart(12)}  ${text}`)
  }

  #text(text: string): void {
    for (let at = 0; at < text.length; at++) this.#mix(text.charCodeAt(at))
  }

  #mix(value: number): void {
    this.#hash = Math.imul(this.#hash ^ value, 0x01000193) >>> 0
  }
}
