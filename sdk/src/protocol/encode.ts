import * as encoding from "lib0/encoding"

/** Most of what is encoded fits in it; so large it may become and stay. */
const ROOM_BYTES = 64 * 1024

/** Encoders that nobody writes to: as many as were ever needed at once. */
const spare: encoding.Encoder[] = []

/**
 * What `write` writes, in an array of its own. One encoder with room serves all: a new one for each, which grows as it is
 * written to, costs twice as much. What `write` itself encodes on the way gets another.
 */
export function encodeBytes(write: (encoder: encoding.Encoder) => void): Uint8Array {
  const encoder = spare.pop() ?? withRoom(encoding.createEncoder())
  try {
    write(encoder)
    return encoder.bufs.length === 0 ? encoder.cbuf.slice(0, encoder.cpos) : encoding.toUint8Array(encoder)
  } finally {
    encoder.cpos = 0
    if (encoder.bufs.length > 0) withRoom(encoder)
    spare.push(encoder)
  }
}

function withRoom(encoder: encoding.Encoder): encoding.Encoder {
  encoder.bufs = []
  encoder.cbuf = new Uint8Array(ROOM_BYTES)
  return encoder
}

/** Bytes as they are; lib0's own makes a view first, which costs more than a short copy. */
export function writeBytes(encoder: encoding.Encoder, bytes: Uint8Array): void {
  const { cbuf, cpos } = encoder
  if (cbuf.length - cpos < bytes.length) encoding.writeUint8Array(encoder, bytes)
  else {
    cbuf.set(bytes, cpos)
    encoder.cpos = cpos + bytes.length
  }
}
