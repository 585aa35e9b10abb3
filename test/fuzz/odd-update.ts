import * as encoding from "lib0/encoding"
import { clientIdOf, logIdOf, type DocumentName, type LogRun } from "@weft/sdk/protocol"
import type { Random } from "../support/seed.ts"

/*
 * Yjs updates as a hostile writer makes them: structs of every kind around elements that were honest once, with faults
 * in places, counts, origins and delete sets. All of them have Yjs' form, so that they come past the reader.
 */

const HAS_ORIGIN = 0x80
const HAS_RIGHT_ORIGIN = 0x40
const HAS_PARENT_SUB = 0x20

/** A log of the corpus with some of its elements changed, left out, repeated, or exchanged with another's. */
function oddElements(random: Random, runs: readonly LogRun[]): (Uint8Array | null)[] {
  const elements = random.pick(runs).elements.slice()
  for (let rounds = random.below(4); rounds > 0; rounds--) {
    const at = random.below(elements.length + 1)
    const other = random.pick(random.pick(runs).elements)
    switch (random.below(6)) {
      case 0:
        elements.splice(at, 1)
        break
      case 1:
        elements.splice(at, 0, other ?? null)
        break
      case 2:
        elements[Math.min(at, elements.length - 1)] = null
        break
      case 3: {
        const element = elements[at]?.slice()
        if (element === undefined || element.length === 0) break
        const index = random.below(element.length)
        element[index] = (element[index] ?? 0) ^ (1 << random.below(8))
        elements[at] = element
        break
      }
      case 4:
        elements.push(...elements.slice(0, 3))
        break
      default:
        elements.splice(at, 0, random.bytes(random.below(80)))
    }
  }
  return elements
}

export function oddUpdate(random: Random, document: DocumentName, runs: readonly LogRun[]): Uint8Array {
  const encoder = encoding.createEncoder()
  const blocks = random.oneIn(12) ? random.below(60) : 1 + random.below(3)
  encoding.writeVarUint(encoder, blocks)
  for (let index = 0; index < blocks; index++) writeBlock(encoder, random, document, runs)
  const clients = random.below(3)
  encoding.writeVarUint(encoder, clients)
  for (let index = 0; index < clients; index++) {
    encoding.writeVarUint(encoder, random.pick(runs).client)
    const ranges = random.below(4)
    encoding.writeVarUint(encoder, ranges)
    for (let range = 0; range < ranges; range++) {
      encoding.writeVarUint(encoder, random.oneIn(2) ? random.below(20) : 2 ** random.below(53))
      encoding.writeVarUint(encoder, random.oneIn(2) ? 1 : 2 ** random.below(53))
    }
  }
  return encoding.toUint8Array(encoder)
}

function writeBlock(encoder: encoding.Encoder, random: Random, document: DocumentName, runs: readonly LogRun[]): void {
  const run = random.pick(runs)
  const fresh = random.oneIn(3)
  const log = fresh ? logIdOf(run.log.slice(0, 24) as Parameters<typeof logIdOf>[0], random.bytes(3)) : run.log
  const client = random.oneIn(8) ? random.below(2 ** 32) : clientIdOf(document, log)
  const from = fresh || random.oneIn(2) ? 0 : random.oneIn(2) ? run.from : random.below(2 ** 31)
  const elements = oddElements(random, runs)
  const structs = random.oneIn(3) ? 1 + random.below(4) : 1
  encoding.writeVarUint(encoder, structs)
  encoding.writeVarUint(encoder, client)
  encoding.writeVarUint(encoder, from)
  let clock = from
  for (let index = 0; index < structs; index++) {
    const reference = random.oneIn(4) ? random.below(11) : 8
    if (reference === 0 || reference === 10) {
      encoding.writeUint8(encoder, reference)
      encoding.writeVarUint(encoder, random.oneIn(2) ? random.below(10) : 2 ** random.below(53))
      continue
    }
    const odd = random.oneIn(8) ? (random.oneIn(2) ? HAS_RIGHT_ORIGIN : HAS_PARENT_SUB) : 0
    const origin = clock > 0 && !random.oneIn(10)
    encoding.writeUint8(encoder, reference | (origin ? HAS_ORIGIN : 0) | odd)
    if (origin) {
      encoding.writeVarUint(encoder, client)
      encoding.writeVarUint(encoder, random.oneIn(10) ? random.below(2 ** 31) : clock - 1)
    }
    if (odd === HAS_RIGHT_ORIGIN) {
      encoding.writeVarUint(encoder, client)
      encoding.writeVarUint(encoder, random.below(100))
    }
    if (!origin && odd !== HAS_RIGHT_ORIGIN) {
      encoding.writeVarUint(encoder, 1)
      encoding.writeVarString(
        encoder,
        random.oneIn(12) ? random.pick(["__proto__", "", "messages", "x".repeat(300)]) : log,
      )
      if (odd === HAS_PARENT_SUB) encoding.writeVarString(encoder, "constructor")
    }
    clock += writeContent(encoder, random, reference, elements)
  }
}

/** Writes a struct's content; returns how many clocks it takes. */
function writeContent(
  encoder: encoding.Encoder,
  random: Random,
  reference: number,
  elements: readonly (Uint8Array | null)[],
): number {
  switch (reference) {
    case 1: {
      const length = random.oneIn(3) ? 2 ** random.below(53) : 1
      encoding.writeVarUint(encoder, length)
      return length
    }
    case 2: {
      encoding.writeVarUint(encoder, 2)
      encoding.writeVarString(encoder, '{"a":1}')
      encoding.writeVarString(encoder, "undefined")
      return 2
    }
    case 3:
      encoding.writeVarUint8Array(encoder, random.bytes(random.below(40)))
      return 1
    case 4:
      encoding.writeVarString(encoder, "text \ud83d half")
      return 11
    case 5:
      encoding.writeVarString(encoder, '{"image":"x"}')
      return 1
    case 6:
      encoding.writeVarString(encoder, "bold")
      encoding.writeVarString(encoder, "true")
      return 1
    case 7: {
      const type = random.below(7)
      encoding.writeVarUint(encoder, type)
      if (type === 3 || type === 5) encoding.writeVarString(encoder, "p")
      return 1
    }
    case 9:
      encoding.writeVarString(encoder, "a-guid")
      encoding.writeAny(encoder, { gc: true })
      return 1
    default: {
      const held = elements.filter((element) => element !== null)
      encoding.writeVarUint(encoder, random.oneIn(20) ? held.length + random.below(3) : held.length)
      for (const element of held) {
        if (random.oneIn(30)) encoding.writeAny(encoder, deep(random.below(12)))
        else encoding.writeAny(encoder, element)
      }
      return held.length
    }
  }
}

type Deep = Deep[] | { key: Deep } | null

function deep(levels: number): Deep {
  return levels === 0 ? null : levels % 2 === 0 ? [deep(levels - 1)] : { key: deep(levels - 1) }
}
