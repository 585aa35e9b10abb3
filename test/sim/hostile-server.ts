import { decodeUpdate, encodeFrame, encodeUpdate, KIND_BODY, type Frame, type LogId } from "@weft/sdk/protocol"
import type { Random } from "../support/seed.js"
import { wholeFrame } from "../support/sync-deflate.js"

/** Frames that it remembers, to say them again. */
const REMEMBERED = 200
/** Since when it leaves bodies out, as if they were erased. */
const EMPTIES_SINCE = 4

/** Stands on the wires of a real server, and makes of what it says what one that means harm would say. */
export class HostileServer {
  readonly #heard: Uint8Array[] = []

  constructor(
    readonly name: string,
    private readonly random: Random,
    private readonly generation: number,
  ) {}

  /** What is sent in the place of a frame: nothing, something older too, something else. */
  tamper(bytes: Uint8Array): readonly Uint8Array[] {
    const { random } = this
    if (this.#heard.length < REMEMBERED) this.#heard.push(bytes)
    else this.#heard[random.below(REMEMBERED)] = bytes
    if (!random.oneIn(10)) return [bytes]
    switch (random.below(4)) {
      case 0:
        return []
      case 1:
        return [bytes, random.pick(this.#heard)]
      case 2:
        return [withAnotherByte(bytes, random)]
      default:
        return [this.#lie(bytes)]
    }
  }

  /** Says that it has what it has not, and has not what it has. */
  #lie(bytes: Uint8Array): Uint8Array {
    const { random } = this
    const frame: Frame | undefined = wholeFrame(bytes)
    switch (frame?.kind) {
      case "vector": {
        const logs = frame.logs.map(({ log, count }) => ({ log, count: random.below(2 * count + 1) }))
        return encodeFrame({ ...frame, logs, records: frame.records.filter(() => random.oneIn(2)) })
      }
      case "served":
        return encodeFrame({ ...frame, digest: random.bytes(frame.digest.length) })
      case "documents":
        return encodeFrame({ ...frame, items: frame.items.filter(() => random.oneIn(2)) })
      case "digests":
        return encodeFrame({ ...frame, items: frame.items.filter(() => random.oneIn(2)) })
      case "reject":
        return encodeFrame({ kind: "ack", id: frame.id, copies: frame.copies })
      case "ack":
        return encodeFrame({ ...frame, id: frame.id + 1 })
      case "update":
        return this.generation < EMPTIES_SINCE ? bytes : encodeFrame({ ...frame, update: withoutBodies(frame.update) })
      case "welcome":
        return encodeFrame({ ...frame, serverTime: frame.serverTime + random.below(2e9) })
      default:
        return bytes
    }
  }
}

/** The same update with holes in the place of all bodies. */
function withoutBodies(update: Uint8Array): Uint8Array {
  const blocks = decodeUpdate(update) ?? []
  return encodeUpdate(
    blocks.map(({ root = "", client, from, elements }) => ({
      ...{ log: root as LogId, client, from },
      elements: elements.map((element) => (element?.[0] === KIND_BODY ? null : element)),
    })),
  )
}

/** The same bytes but for one. */
export function withAnotherByte(bytes: Uint8Array, random: Random): Uint8Array {
  const changed = bytes.slice()
  const at = random.below(Math.max(1, changed.length))
  changed[at] = (changed[at] ?? 0) ^ (1 + random.below(255))
  return changed
}
