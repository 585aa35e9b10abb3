import { Line } from "../base/line.js"
import { decodeFrame, PACKED_FRAME } from "../protocol/frame.js"
import { isPackable, packFrame, unpackFrame, type Deflate } from "../protocol/packed.js"
import type { Transport } from "./transport.js"

/** The code of a connection that broke. */
const BROKEN = 1006

/** The transport, with large frames packed both ways from `pack` on; without `deflate` as it is. Order stays. [SPEC S14] */
export function packing(transport: Transport, deflate: Deflate | undefined): Transport {
  if (deflate === undefined) return transport
  return {
    packs: true,
    connect(url, events) {
      let isOn = false
      let waitingBytes = 0
      let hasEnded = false
      const end = (code: number): void => {
        if (hasEnded) return
        hasEnded = true
        events.closed(code)
      }
      // What is lacking says something: who passed a frame over would believe to be in sync.
      const failed = (): void => {
        connection.close()
        end(BROKEN)
      }
      // A close comes behind what came before it.
      const inward = new Line<Uint8Array | number>({
        ready: (what) => (isOn && typeof what !== "number" ? unpack(what, deflate) : undefined),
        hand: (what, came) => {
          if (typeof what === "number") end(what)
          else if (what !== came && (what.length === 0 || what[0] === PACKED_FRAME)) failed()
          else if (!hasEnded) events.message(what)
        },
        failed,
      })
      const outward = new Line<Uint8Array>({
        ready: (bytes) => (isOn && isPackable(bytes) ? packFrame(bytes, deflate) : undefined),
        hand: (bytes, { length }) => {
          waitingBytes -= length
          connection.send(bytes)
        },
        failed,
      })
      const put = (what: Uint8Array | number): void => {
        inward.put(what)
      }
      const opened = (): void => {
        events.opened()
      }
      const connection = transport.connect(url, { opened, message: put, closed: put })
      return {
        pack: () => {
          isOn = true
        },
        send: (bytes) => {
          waitingBytes += bytes.length
          outward.put(bytes)
        },
        get unsentBytes() {
          return waitingBytes + connection.unsentBytes
        },
        close: (code) => {
          // What was sent before goes before.
          outward.flush()
          connection.close(code)
        },
      }
    },
  }
}

function unpack(bytes: Uint8Array, deflate: Deflate): Promise<Uint8Array> | undefined {
  if (bytes[0] !== PACKED_FRAME) return undefined
  const frame = decodeFrame(bytes)
  return frame?.kind === "packed" ? unpackFrame(frame, deflate) : undefined
}
