import type { Line, Room, RoomPlan } from "../line/line.ts"
import type { Work } from "./load.ts"

export interface Written {
  readonly entries: number
  readonly deliveries: number
  /** Of each batch: milliseconds from sending to its last reader, and from its acknowledgement to that. */
  readonly delivered: number[]
  readonly afterAck: number[]
}

/** A room in which so many entries are under way, and no more. */
export class PacedRoom {
  readonly #plan: RoomPlan
  readonly #work: Pick<Work, "pace" | "inFlight">
  #room: Room | undefined
  #sent = 0
  #deliveries = 0
  #acknowledged = 0
  #sentAt: number[] = []
  #ackedAt: number[] = []
  #deliveredAt: number[] = []
  #look: () => void = () => undefined
  #fail: (error: Error) => void = () => undefined

  private constructor(plan: RoomPlan, work: Pick<Work, "pace" | "inFlight">) {
    this.#plan = plan
    this.#work = work
  }

  static async open(line: Line, plan: RoomPlan, work: Pick<Work, "pace" | "inFlight">): Promise<PacedRoom> {
    const room = new PacedRoom(plan, work)
    room.#room = await line.openRoom(plan, {
      delivered: (entries) => {
        room.#deliveries += entries
        const batches = Math.floor(room.#delivered / plan.batchSize)
        while (room.#deliveredAt.length < batches) room.#deliveredAt.push(performance.now())
        room.#look()
      },
      acknowledged: (entries) => {
        room.#acknowledged += entries
        room.#ackedAt.push(performance.now())
        room.#look()
      },
      failed: (error) => room.#fail(error),
    })
    return room
  }

  /** Entries that all others have. */
  get #delivered(): number {
    return this.#deliveries / Math.max(1, this.#plan.users.length - 1)
  }

  get #done(): number {
    const { pace } = this.#work
    return this.#plan.users.length > 1 && pace === "delivered" ? this.#delivered : this.#acknowledged
  }

  /** Writes the next entries of the plan; resolves when all of them are delivered, or acknowledged. */
  async write(entries: number): Promise<Written> {
    const { batchSize, users } = this.#plan
    const { inFlight } = this.#work
    const room = this.#room
    if (room === undefined) throw new Error("not open")
    const first = Math.round(this.#sent / batchSize)
    const deliveriesBefore = this.#deliveries
    const last = Math.min(room.batches, first + Math.floor(entries / batchSize))
    await new Promise<void>((resolve, reject) => {
      this.#fail = reject
      this.#look = () => {
        for (let batch = Math.round(this.#sent / batchSize); batch < last; batch++) {
          // shared users count what others write as theirs: a room of one is paced by acknowledgements or not at all
          if (this.#sent - this.#done >= inFlight && !this.#isSilent) return
          this.#sent += batchSize
          this.#sentAt[batch] = performance.now()
          room.send(batch)
        }
        if (this.#isSilent || this.#done >= last * batchSize) resolve()
      }
      this.#look()
    })
    this.#look = () => undefined
    return {
      entries: (last - first) * batchSize,
      deliveries: users.length === 1 ? 0 : this.#deliveries - deliveriesBefore,
      ...this.#times(first, last),
    }
  }

  /** Nobody says when what is written here has arrived. */
  get #isSilent(): boolean {
    return this.#plan.users.length === 1 && this.#work.pace === "delivered"
  }

  #times(first: number, last: number): Pick<Written, "delivered" | "afterAck"> {
    const delivered: number[] = []
    const afterAck: number[] = []
    for (let batch = first; batch < last; batch++) {
      const arrived = this.#deliveredAt[batch]
      if (arrived === undefined) continue
      delivered.push(arrived - (this.#sentAt[batch] ?? arrived))
      const acked = this.#ackedAt[batch]
      if (acked !== undefined) afterAck.push(Math.max(0, arrived - acked))
    }
    return { delivered, afterAck }
  }
}
