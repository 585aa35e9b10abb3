import { encodeFrame, MAX_SIGNALS, type FrameOf } from "@weft/sdk/protocol"

export type Signal = FrameOf<"signals">["items"][number]

/** In as few frames as may be: one, for all that people show. */
export function encodeSignals(signals: readonly Signal[]): Uint8Array[] {
  const frames: Uint8Array[] = []
  for (let at = 0; at < signals.length; at += MAX_SIGNALS) {
    frames.push(encodeFrame({ kind: "signals", items: signals.slice(at, at + MAX_SIGNALS) }))
  }
  return frames
}
