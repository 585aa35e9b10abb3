import * as fc from "fast-check"
import * as decoding from "lib0/decoding"
import * as encoding from "lib0/encoding"
import { describe, expect, it } from "vitest"
import { readContent, writeContent, type Content } from "./content.js"
import { isWellFormed } from "./names.js"

function write(content: Content): Uint8Array {
  return encoding.encode((encoder) => {
    writeContent(encoder, content)
  })
}

function read(bytes: Uint8Array): Content {
  const decoder = decoding.createDecoder(bytes)
  const content = readContent(decoder)
  if (decoding.hasContent(decoder)) throw new RangeError("more behind it")
  return content
}

const text = fc.string({ unit: "binary" }).filter(isWellFormed)
const leaf: fc.Arbitrary<Content> = fc.oneof(
  fc.constant(null),
  fc.boolean(),
  fc.maxSafeInteger(),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  text,
  fc.uint8Array({ maxLength: 40 }),
)
const { content } = fc.letrec<{ content: Content }>((tie) => ({
  content: fc.oneof(
    { depthSize: "small", maxDepth: 6 },
    leaf,
    fc.array(tie("content"), { maxLength: 5 }),
    fc
      .array(
        fc.tuple(
          text.filter((key) => key !== "__proto__"),
          tie("content"),
        ),
        { maxLength: 5 },
      )
      .map((entries) => new Map(entries)),
  ),
}))

describe("[E5] content", () => {
  it("comes back as it was, and is lib0's any", () => {
    fc.assert(
      fc.property(content, (value) => {
        const bytes = write(value)
        expect(sorted(read(bytes))).toEqual(sorted(value))
        expect(plain(value)).toEqual(decoding.readAny(decoding.createDecoder(bytes)))
      }),
    )
  })

  it("has one byte string for each value: what can be read is what would be written", () => {
    const readable = (bytes: Uint8Array): void => {
      let value: Content
      try {
        value = read(bytes)
      } catch {
        return
      }
      expect(write(value)).toEqual(bytes)
    }
    fc.assert(fc.property(fc.uint8Array({ maxLength: 30 }), readable), { numRuns: 3000 })
    fc.assert(
      fc.property(content, fc.nat(), fc.nat(255), (value, at, byte) => {
        const bytes = write(value)
        bytes[at % bytes.length] = byte
        readable(bytes)
      }),
      { numRuns: 1000 },
    )
  })

  it("is refused where a number, a text or an object is spelled in another way", () => {
    const float = (value: number): Uint8Array =>
      encoding.encode((encoder) => {
        encoding.writeUint8(encoder, 123)
        encoding.writeFloat64(encoder, value)
      })
    const bad = [
      [125, 0x80, 0], // 0 in two bytes
      [125, 0x41, 0x80, 0], // more behind a number
      [125, 0x40], // -0 as an integer
      [125],
      Array.from(float(1)), // an integer as a double
      Array.from(float(NaN)),
      Array.from(float(Infinity)),
      [124, 0, 0, 0, 0], // float 32
      [122, 0, 0, 0, 0, 0, 0, 0, 0], // bigint
      [127], // undefined
      [119, 0x81, 0, 97], // a length in two bytes
      [119, 2, 0xc0, 0x80], // overlong UTF-8
      [119, 3, 0xed, 0xa0, 0x80], // half of a surrogate pair
      [118, 2, 1, 98, 120, 1, 97, 120], // keys out of order
      [118, 2, 1, 97, 120, 1, 97, 120], // a key twice
      [118, 1, 9, ...Buffer.from("__proto__"), 120],
      [117, 65, ...new Array<number>(65).fill(120)], // too many items
      [...new Array<number[]>(9).fill([117, 1]).flat(), 120], // too deep
      [117, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x0f],
      [116, 5, 1],
    ]
    for (const bytes of bad) expect(() => read(Uint8Array.from(bytes)), bytes.join()).toThrow()
    expect(read(float(-0))).toBe(-0)
  })

  it("is not written beyond its limits", () => {
    let deep: Content = null
    for (let depth = 0; depth < 9; depth++) deep = [deep]
    const bad: Content[] = [
      NaN,
      -Infinity,
      "\ud800",
      deep,
      new Array<Content>(65).fill(null),
      new Map([["__proto__", null]]),
      new Map([["\udc00", null]]),
    ]
    for (const value of bad) expect(() => write(value)).toThrow(RangeError)
  })

  it("does not touch prototypes", () => {
    const value = read(
      write(
        new Map<string, Content>([
          ["constructor", 1],
          ["toString", 2],
        ]),
      ),
    )
    expect(value).toBeInstanceOf(Map)
    expect(Object.prototype).not.toHaveProperty("polluted")
  })
})

/** Maps in the order of their keys: that of the bytes. */
function sorted(value: Content): unknown {
  if (value instanceof Map) {
    const map = value as ReadonlyMap<string, Content>
    return Array.from(map.keys())
      .sort()
      .map((key) => [key, sorted(map.get(key) ?? null)])
  }
  return Array.isArray(value) ? value.map((item: Content) => sorted(item)) : value
}

function plain(value: Content): unknown {
  if (value instanceof Map) {
    const object: Record<string, unknown> = {}
    for (const [key, item] of value as ReadonlyMap<string, Content>) object[key] = plain(item)
    return object
  }
  return Array.isArray(value) ? value.map((item: Content) => plain(item)) : value
}
