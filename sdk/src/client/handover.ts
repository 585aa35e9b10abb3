import { createStore, type Store, type Subscribable } from "../base/store.js"

export interface HandoverOptions<T> {
  /** Called whenever somebody asks, or subscribes; may say where the value comes from. */
  readonly wanted?: () => void
  /** Whether what the source has first is what was known: then that stays. */
  readonly same?: (a: T, b: T) => boolean
}

/**
 * A value that is known at first, and comes from elsewhere while that is there. The source is followed while somebody
 * subscribes.
 */
export class Handover<T> implements Subscribable<T> {
  private readonly store: Store<T>
  private source: Subscribable<T> | undefined
  /** The source's, where the store holds another that is the same. */
  private equal: T | undefined
  private stop: (() => void) | undefined
  private listeners = 0

  constructor(
    first: T,
    private readonly options: HandoverOptions<T> = {},
  ) {
    this.store = createStore(first, (listeners) => {
      this.listeners = listeners
      if (listeners === 0) this.unfollow()
      else if (this.source !== undefined) this.follow(this.source)
    })
  }

  get hasSource(): boolean {
    return this.source !== undefined
  }

  get isWatched(): boolean {
    return this.listeners > 0
  }

  get(): T {
    this.options.wanted?.()
    if (this.source !== undefined) this.take(this.source.get())
    return this.store.get()
  }

  subscribe(listener: (value: T) => void): () => void {
    // What changed while nobody listened is no news to the first who does.
    this.get()
    return this.store.subscribe(listener)
  }

  /** The value comes from there from now on. */
  become(source: Subscribable<T>): void {
    const { same } = this.options
    const first = source.get()
    if (same?.(this.store.get(), first) === true) this.equal = first
    this.source = source
    if (this.listeners > 0) this.follow(source)
  }

  /** The source goes: what it had last is known; or, where it is given, this is. */
  release(value?: T): void {
    if (this.source === undefined) return
    this.unfollow()
    this.take(value ?? this.source.get())
    this.source = this.equal = undefined
  }

  private follow(source: Subscribable<T>): void {
    this.stop ??= source.subscribe((value) => {
      this.take(value)
    })
    this.take(source.get())
  }

  private take(value: T): void {
    if (this.equal !== undefined && value === this.equal) return
    this.equal = undefined
    this.store.set(value)
  }

  private unfollow(): void {
    this.stop?.()
    this.stop = undefined
  }
}
