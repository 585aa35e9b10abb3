import * as encoding from "lib0/encoding"
import { describe, expect, it } from "vitest"
import { concat } from "../protocol/bytes.js"
import { MAX_SEGMENT } from "../protocol/limits.js"
import { logIdBytes, logIdFromBytes, type LogId } from "../protocol/names.js"
import { decodeCut, encodeCut, type Cut } from "./cut.js"

const log = (number: number): LogId => logIdFromBytes(new Uint8Array(21).fill(number))

function bytes(...numbers: readonly (number | LogId)[]): Uint8Array {
  return concat(
    numbers.map((each) =>
      typeof each === "number" ? encoding.encode((encoder) => encoding.writeVarUint(encoder, each)) : logIdBytes(each),
    ),
  )
}

describe("[A12] a cut", () => {
  it("names segments and logs in order, whatever order they came in", () => {
    const cut: Cut = new Map([
      [MAX_SEGMENT, new Map([[log(1), 1]])],
      [
        2,
        new Map([
          [log(9), 300],
          [log(3), 5],
        ]),
      ],
    ])
    const encoded = encodeCut(cut)
    expect(encoded).toEqual(bytes(2, 2, log(3), log(9), 5, 300, MAX_SEGMENT, 1, log(1), 1))
    const decoded = decodeCut(encoded)
    expect(Array.from(decoded?.keys() ?? [])).toEqual([2, MAX_SEGMENT])
    expect(decoded?.get(2)?.get(log(9))).toBe(300)
    expect(decodeCut(encodeCut(new Map()))?.size).toBe(0)
  })

  it.each<[string, Cut]>([
    ["segment 0", new Map([[0, new Map([[log(1), 1]])]])],
    ["a segment beyond the last", new Map([[MAX_SEGMENT + 1, new Map([[log(1), 1]])]])],
    ["a segment that is no number", new Map([[1.5, new Map([[log(1), 1]])]])],
    ["a segment without logs", new Map([[1, new Map()]])],
    ["a log that keeps nothing", new Map([[1, new Map([[log(1), 0]])]])],
    ["a log that keeps half an element", new Map([[1, new Map([[log(1), 0.5]])]])],
  ])("with %s is none", (_, cut) => {
    expect(() => encodeCut(cut)).toThrow(RangeError)
  })

  it.each<[string, Uint8Array]>([
    ["segments out of order", bytes(2, 1, log(1), 1, 1, 1, log(1), 1)],
    ["a segment twice", bytes(1, 1, log(1), 1, 1, 1, log(2), 1)],
    ["logs out of order", bytes(1, 2, log(2), log(1), 1, 1)],
    ["a log twice", bytes(1, 2, log(1), log(1), 1, 1)],
    ["a segment without logs", bytes(1, 0)],
    ["a log that keeps nothing", bytes(1, 1, log(1), 0)],
    ["more logs than bytes", bytes(1, 2 ** 40)],
    ["an end within a log", bytes(1, 1, log(1)).slice(0, 20)],
    ["an end before a number", bytes(1, 1, log(1))],
    ["a longer spelling of a number", concat([bytes(1, 1, log(1)), Uint8Array.of(0x81, 0)])],
  ])("is not read from %s", (_, encoded) => {
    expect(decodeCut(encoded)).toBeUndefined()
  })
})
