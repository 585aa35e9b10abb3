import * as decoding from "lib0/decoding"
import * as encoding from "lib0/encoding"
import { encodeBytes } from "../protocol/encode.js"
import type { Progress, Step } from "../conversation/receipts.js"
import { readThreadName, writeThreadName, type ThreadName } from "../log/thread-name.js"

/** What a device keeps of what others have of its user's logs in one segment. */
export function encodeProgress(logs: ReadonlyMap<number, Progress>): Uint8Array {
  return encodeBytes((encoder) => {
    encoding.writeVarUint(encoder, logs.size)
    for (const [client, { delivered, read }] of logs) {
      encoding.writeVarUint(encoder, client)
      writeSteps(encoder, delivered)
      writeSteps(encoder, read)
    }
    writeThreads(encoder, logs)
  })
}

/** Behind the rest: what was stored before there were any ends there. */
function writeThreads(encoder: encoding.Encoder, logs: ReadonlyMap<number, Progress>): void {
  for (const [client, { threads }] of logs) {
    for (const [thread, steps] of threads) {
      encoding.writeVarUint(encoder, client)
      writeThreadName(encoder, thread)
      writeSteps(encoder, steps)
    }
  }
}

/** Throws where the bytes are none: the storage is damaged. */
export function decodeProgress(bytes: Uint8Array): Map<number, Progress> {
  const decoder = decoding.createDecoder(bytes)
  const logs = new Map<number, Progress & { readonly threads: Map<ThreadName, readonly Step[]> }>()
  for (let left = decoding.readVarUint(decoder); left > 0; left--) {
    const client = decoding.readVarUint(decoder)
    logs.set(client, { delivered: readSteps(decoder), read: readSteps(decoder), threads: new Map() })
  }
  while (decoding.hasContent(decoder)) {
    const progress = logs.get(decoding.readVarUint(decoder))
    const { name } = readThreadName(decoder)
    progress?.threads.set(name, readSteps(decoder))
  }
  return logs
}

function writeSteps(encoder: encoding.Encoder, steps: readonly Step[]): void {
  encoding.writeVarUint(encoder, steps.length)
  for (const { count, at } of steps) {
    encoding.writeVarUint(encoder, count)
    encoding.writeVarUint(encoder, at)
  }
}

function readSteps(decoder: decoding.Decoder): Step[] {
  const steps: Step[] = []
  for (let left = decoding.readVarUint(decoder); left > 0; left--) {
    steps.push({ count: decoding.readVarUint(decoder), at: decoding.readVarUint(decoder) })
  }
  return steps
}

/** Elements that this device's user has read of the logs of one segment, by client id. */
export function encodeCounts(counts: ReadonlyMap<number, number>): Uint8Array {
  return encodeBytes((encoder) => {
    encoding.writeVarUint(encoder, counts.size)
    for (const [client, count] of counts) {
      encoding.writeVarUint(encoder, client)
      encoding.writeVarUint(encoder, count)
    }
  })
}

export function decodeCounts(bytes: Uint8Array): Map<number, number> {
  const decoder = decoding.createDecoder(bytes)
  const counts = new Map<number, number>()
  for (let left = decoding.readVarUint(decoder); left > 0; left--) {
    counts.set(decoding.readVarUint(decoder), decoding.readVarUint(decoder))
  }
  return counts
}
