import { createSignal } from "../base/store.js"
import type { DocumentName } from "../protocol/names.js"
import { SegmentAway } from "./segment-away.js"

interface Waiter {
  readonly resolve: () => void
  readonly reject: (error: SegmentAway) => void
}

interface Wanted {
  /** Somebody was asked, and has not answered. */
  isAsked: boolean
  readonly waiters: Waiter[]
}

/** Segments that are away and wanted back: from a server, or by the tab that writes. Each stays wanted until it is here. [SPEC U15] */
export class WantedSegments {
  /** To be asked for. */
  readonly asked = createSignal<DocumentName>()
  private readonly wanted = new Map<DocumentName, Wanted>()
  private reachable = false

  /** Whether somebody can be asked. What is wanted is asked for then; who waits is told where that ends. */
  setReachable(reachable: boolean): void {
    if (reachable === this.reachable) return
    this.reachable = reachable
    for (const [name, wanted] of Array.from(this.wanted)) {
      if (reachable) this.ask(name, wanted)
      else this.failed(name)
    }
  }

  /** It is to come back, now or later. */
  want(name: DocumentName): void {
    this.demand(name)
  }

  /** The same; resolves when it is here. Rejects with SEGMENT_AWAY where nobody has it, or nobody can be asked. */
  reach(name: DocumentName): Promise<void> {
    if (!this.reachable) {
      this.want(name)
      return Promise.reject(new SegmentAway(name))
    }
    return new Promise((resolve, reject) => {
      this.demand(name).waiters.push({ resolve, reject })
    })
  }

  /** It is here. */
  arrived(name: DocumentName): void {
    const waiters = this.wanted.get(name)?.waiters ?? []
    this.wanted.delete(name)
    for (const { resolve } of waiters) resolve()
  }

  /** Who was asked does not have it, or is gone. */
  failed(name: DocumentName): void {
    const wanted = this.wanted.get(name)
    if (wanted === undefined) return
    wanted.isAsked = false
    for (const { reject } of wanted.waiters.splice(0)) reject(new SegmentAway(name))
  }

  private demand(name: DocumentName): Wanted {
    const wanted = this.wanted.get(name) ?? { isAsked: false, waiters: [] }
    this.wanted.set(name, wanted)
    if (this.reachable) this.ask(name, wanted)
    return wanted
  }

  private ask(name: DocumentName, wanted: Wanted): void {
    if (wanted.isAsked) return
    wanted.isAsked = true
    this.asked.emit(name)
  }
}
