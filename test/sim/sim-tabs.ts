import type { TabEvents, TabMessage, TabPort } from "../../sdk/src/client/tab-port.js"
import type { Process } from "./process.js"

interface Tab {
  readonly process: Process
  readonly events: TabEvents
}

/** The tabs of one browser profile: one leads, as a Web Lock has it, and all hear one another. */
export class SimTabs {
  #tabs: Tab[] = []
  #leader: Tab | undefined

  /** `landedMs`: how long from now until all that the disk was given so far is there. */
  constructor(private readonly landedMs: () => number) {}

  portOf(process: Process): TabPort {
    let own: Tab | undefined
    const leave = (): void => {
      if (own === undefined || !this.#tabs.includes(own)) return
      this.#tabs = this.#tabs.filter((tab) => tab !== own)
      this.#tellGone()
      if (this.#leader !== own) return
      this.#leader = undefined
      this.#elect()
    }
    process.onDeath(leave)
    return {
      start: async (events) => {
        own = { process, events }
        this.#tabs.push(own)
        if (this.#leader !== undefined) return
        this.#leader = own
        await events.lead()
      },
      tell: (message) => {
        if (process.alive && own !== undefined) this.#tell(own, message)
      },
      stop: async () => {
        leave()
      },
    }
  }

  /** The leader hangs: another tab takes the lock from it, and the old one learns of that only later. */
  steal(lateMs: number): boolean {
    const old = this.#leader
    const next = this.#tabs.find((tab) => tab !== old)
    if (old === undefined || next === undefined) return false
    this.#leader = undefined
    this.#lead(next)
    old.process.setTimer(lateMs, () => {
      if (this.#leader !== old) old.events.follow()
    })
    return true
  }

  #elect(): void {
    const [next] = this.#tabs
    if (next !== undefined) this.#lead(next)
  }

  #lead(tab: Tab): void {
    this.#leader = tab
    tab.process.setTimer(1, () => {
      if (this.#leader !== tab) return
      tab.events.lead().catch(() => undefined)
    })
  }

  /** Who leads by then reads behind what the one that is gone had begun to write, as IndexedDB orders transactions. */
  #tellGone(): void {
    for (const tab of this.#tabs) {
      tab.process.setTimer(1 + this.landedMs(), () => {
        if (this.#leader === tab) tab.events.gone()
      })
    }
  }

  #tell(from: Tab, message: TabMessage): void {
    for (const tab of this.#tabs) {
      if (tab === from) continue
      tab.process.setTimer(1, () => {
        tab.events.heard(message)
      })
    }
  }
}
