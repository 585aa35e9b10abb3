import { encodeFrame, MIN_PACKED_BYTES } from "@weft/sdk/protocol"
import * as fc from "fast-check"
import { encodeStockMessage } from "../../sync-server/src/connection/stock-message.ts"
import { randomOf, type Random } from "../support/seed.ts"
import type { Corpus, SampleKind } from "./corpus.ts"
import { frameArbitrary, sealedFrame } from "./odd-frame.ts"
import { mutate } from "./mutate.ts"
import { largeVector, oddPacked, packed } from "./odd-packed.ts"
import { oddUpdate } from "./odd-update.ts"

/** Where a case goes in. */
export type Door =
  /** The first message of a connection at /sync. */
  | "greeting"
  /** At /sync, after the welcome. */
  | "sync"
  /** At /y/<segment>. */
  | "stock"

export interface Case {
  readonly index: number
  readonly door: Door
  readonly bytes: Uint8Array
}

/** A draw of fast-check costs less for many at once. */
const BATCH = 256

/** The cases of a seed: the same for the same seed, each by its number. */
export class Cases {
  readonly #corpus: Corpus
  readonly #seed: number
  readonly #frames: ReturnType<typeof frameArbitrary>
  readonly #of: (kind: SampleKind) => readonly Uint8Array[]
  readonly #drawn = new Map<number, readonly Uint8Array[]>()

  constructor(corpus: Corpus, seed: number) {
    this.#corpus = corpus
    this.#seed = seed
    this.#frames = frameArbitrary(corpus)
    const kinds = new Map<SampleKind, Uint8Array[]>()
    for (const { kind, bytes } of corpus.samples) kinds.set(kind, [...(kinds.get(kind) ?? []), bytes])
    this.#of = (kind) => kinds.get(kind) ?? []
  }

  async at(index: number): Promise<Case> {
    const random = randomOf((this.#seed + Math.imul(index + 1, 0x9e3779b1)) >>> 0)
    const door: Door = random.oneIn(25) ? "greeting" : random.oneIn(12) ? "stock" : "sync"
    return { index, door, bytes: door === "stock" ? this.#stock(random) : await this.#frame(index, random) }
  }

  /** Bytes for a decoder of the SDK. */
  decoder(index: number, reads: SampleKind): Uint8Array {
    const random = randomOf((this.#seed + Math.imul(index + 1, 0x85ebca6b)) >>> 0)
    if (reads === "update" && random.oneIn(2)) return this.#oddUpdate(random)
    const samples = this.#of(reads)
    const kin = random.oneIn(8) ? this.#corpus.samples.map(({ bytes }) => bytes) : samples
    return mutate(random.pick(random.oneIn(30) ? kin : samples), random, kin)
  }

  async #frame(index: number, random: Random): Promise<Uint8Array> {
    if (random.oneIn(15)) return this.#packed(random)
    switch (random.below(20)) {
      case 0:
        // Most of these end their connection, which costs as much as ten others: few are enough.
        return mutate(random.pick(this.#of("frame")), random, this.#of("frame"))
      case 1:
      case 2:
      case 3:
      case 4:
        return this.#update(mutate(random.pick(this.#of("update")), random, this.#of("update")), random)
      case 5:
      case 6:
      case 7:
        return this.#draw(Math.floor(index / BATCH))[index % BATCH] ?? new Uint8Array()
      case 8:
        return random.oneIn(3) ? sealedFrame(random, this.#corpus) : this.#update(this.#oddUpdate(random), random)
      default:
        return this.#update(this.#oddUpdate(random), random)
    }
  }

  #packed(random: Random): Uint8Array {
    const frame = random.oneIn(3) ? largeVector(random, this.#corpus.segment) : this.#largeUpdate(random)
    // What is wrong with the packing ends the connection; what is in it may be worth more.
    return random.oneIn(4) ? oddPacked(random, frame) : packed(frame)
  }

  /** Large enough to be packed; updates one behind another: the reader stops at the first one's end. */
  #largeUpdate(random: Random): Uint8Array {
    const updates: Uint8Array[] = []
    for (let size = 0; size < MIN_PACKED_BYTES; size += updates.at(-1)?.length ?? 0)
      updates.push(random.oneIn(2) ? this.#oddUpdate(random) : random.pick(this.#of("update")))
    return this.#update(Buffer.concat(updates), random)
  }

  #stock(random: Random): Uint8Array {
    if (random.oneIn(2)) return mutate(random.pick(this.#of("stock")), random, this.#of("stock"))
    const update = random.oneIn(2) ? this.#oddUpdate(random) : random.pick(this.#of("update"))
    return encodeStockMessage({ kind: random.oneIn(2) ? "update" : "step2", update })
  }

  #update(update: Uint8Array, random: Random): Uint8Array {
    const document = random.oneIn(4) ? this.#corpus.control : this.#corpus.segment
    return encodeFrame({ kind: "update", id: random.below(1000), document, update })
  }

  #oddUpdate(random: Random): Uint8Array {
    const { segment, segmentRuns } = this.#corpus
    return oddUpdate(random, segment, segmentRuns)
  }

  #draw(batch: number): readonly Uint8Array[] {
    let drawn = this.#drawn.get(batch)
    if (drawn === undefined) {
      this.#drawn.clear()
      drawn = fc.sample(this.#frames, { numRuns: BATCH, seed: (this.#seed ^ batch) | 0 }).map(encodeFrame)
      this.#drawn.set(batch, drawn)
    }
    return drawn
  }
}
