import { isPackable, packFrame, unpackFrame, type Deflate, type FrameOf } from "@weft/sdk/protocol"

/** Packs frames, each once, however many are to read it. [SPEC S14] */
export class Packer {
  readonly #deflate: Deflate
  readonly #packed = new WeakMap<Uint8Array, Promise<Uint8Array>>()

  constructor(deflate: Deflate) {
    this.#deflate = deflate
  }

  /** The frame packed, where that saves something; undefined where it can't be. */
  pack(frame: Uint8Array): Promise<Uint8Array> | undefined {
    if (!isPackable(frame)) return undefined
    let packed = this.#packed.get(frame)
    if (packed === undefined) this.#packed.set(frame, (packed = packFrame(frame, this.#deflate)))
    return packed
  }

  /** The frame in a packed one: no bytes where there is none. */
  unpack(frame: FrameOf<"packed">): Promise<Uint8Array> {
    return unpackFrame(frame, this.#deflate)
  }
}
