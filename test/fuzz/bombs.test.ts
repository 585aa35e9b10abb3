/*
 * Inputs that cost their sender little and a careless reader much. Each goes to a real server process; afterwards the
 * process has lost nothing: no error that nobody expected, no turn of its event loop over 50 ms of processor time, no memory
 * kept, and a normal client is served.
 */
import { connect } from "node:net"
import { deflateRawSync } from "node:zlib"
import * as encoding from "lib0/encoding"
import {
  clientIdOf,
  decodeFrame,
  encodeFrame,
  encodeRecord,
  encodeUpdate,
  hashBody,
  logIdOf,
  MAX_FRAME_BYTES,
  recordMessage,
  type DeviceId,
  type DocumentName,
  type Draft,
  type LogRun,
} from "@weft/sdk/protocol"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { makeDevice, makeLog, type TestDevice } from "../support/device.js"
import { recordCorpus, type Corpus, type Writer } from "./corpus.js"
import { honestExchange } from "./honest.js"
import { packed } from "./odd-packed.js"
import { ERRORS, MAX_GROWTH_BYTES, MAX_STALL_MS, openTarget, type Target } from "./target.js"
import { greet, openStock, pinged, pingedAfterEach, stepped, Wire } from "./wire.js"

let corpus: Corpus
let target: Target
beforeAll(async () => {
  corpus = await recordCorpus()
  target = await openTarget(corpus)
})
afterAll(() => target.close())

/** What an input costs, it costs again: the least of three throws, so that compiling and collecting are not in it. */
async function survives(bomb: () => Promise<void>): Promise<void> {
  const { server } = target
  await bomb()
  const before = await server.sample(true)
  const errors = await server.metric(ERRORS)
  const stalls: number[] = []
  for (let round = 0; round < 3; round++) {
    await bomb()
    stalls.push((await server.sample()).stallMs)
  }
  const after = await server.sample(true)
  expect(server.uncaught).toEqual([])
  expect((await server.metric(ERRORS)) - errors).toBe(0)
  console.log(
    `stalls of ${stalls.map((ms) => ms.toFixed(0)).join(", ")} ms, ${((after.rss - before.rss) / 2 ** 20).toFixed(1)} MB kept`,
  )
  expect(Math.min(...stalls)).toBeLessThanOrEqual(MAX_STALL_MS)
  expect(after.rss - before.rss).toBeLessThan(MAX_GROWTH_BYTES)
  expect(await honestExchange(server.url)).toBeUndefined()
}

const writer = (number: number): Writer => corpus.writers[number] as Writer

/** Sends bytes at /sync as a member, and waits until the server is done with them: or has ended the connection. */
async function atSync(...frames: readonly Uint8Array[]): Promise<void> {
  const wire = await greet(target.server.url, writer(2))
  for (const frame of frames) wire.send(frame)
  await pinged(wire)
  await answered(wire)
  wire.cut()
}

/** Answers come in order: when a vector is served, what came before it is done. */
async function answered(wire: Wire): Promise<void> {
  await wire.until(
    (bytes) => (decodeFrame(bytes)?.kind === "served" ? true : undefined),
    () => {
      const { segment: document } = corpus
      wire.send(encodeFrame({ kind: "vector", document, reply: false, logs: [], records: [] }))
    },
  )
}

async function atStock(message: Uint8Array, user = writer(2).user): Promise<void> {
  const wire = await openStock(target.server.url, corpus.segment, user)
  wire.send(message)
  await stepped(wire)
  wire.cut()
}

function stockUpdate(update: Uint8Array): Uint8Array {
  return encoding.encode((encoder) => {
    encoding.writeVarUint(encoder, 0)
    encoding.writeVarUint(encoder, 2)
    encoding.writeVarUint8Array(encoder, update)
  })
}

function frameOf(update: Uint8Array, document: DocumentName = corpus.segment): Uint8Array {
  return encodeFrame({ kind: "update", id: 1, document, update })
}

/** An update of blocks that are written by hand; no delete set. */
function updateOf(blocks: number, write: (encoder: encoding.Encoder, index: number) => void): Uint8Array {
  return encoding.encode((encoder) => {
    encoding.writeVarUint(encoder, blocks)
    for (let index = 0; index < blocks; index++) write(encoder, index)
    encoding.writeVarUint(encoder, 0)
  })
}

/** The head of a block with one item at a log's root. */
function openLog(encoder: encoding.Encoder, device: DeviceId, number: number, reference: number): void {
  const log = logIdOf(device, Uint8Array.of(number >> 16, number >> 8, number))
  encoding.writeVarUint(encoder, 1)
  encoding.writeVarUint(encoder, clientIdOf(corpus.segment, log))
  encoding.writeVarUint(encoder, 0)
  encoding.writeUint8(encoder, reference)
  encoding.writeVarUint(encoder, 1)
  encoding.writeVarString(encoder, log)
}

const HUGE = 2 ** 53 - 1

describe("Yjs updates", { timeout: 120_000 }, () => {
  it.each([
    ["deleted items", 1],
    ["any values", 8],
    ["JSON values", 2],
    ["skipped clocks", 10],
    ["collected items", 0],
  ])("[C1, C4] a run of 2^53 %s in a few bytes is refused", async (_, reference) => {
    const update = updateOf(1, (encoder) => {
      if (reference === 0 || reference === 10) {
        encoding.writeVarUint(encoder, 1)
        encoding.writeVarUint(encoder, 77)
        encoding.writeVarUint(encoder, 0)
        encoding.writeUint8(encoder, reference)
      } else openLog(encoder, writer(2).device.id, 1, reference)
      encoding.writeVarUint(encoder, HUGE)
    })
    await survives(async () => {
      await atSync(frameOf(update))
      await atStock(stockUpdate(update))
    })
  })

  it("[C1] a count of 2^53 blocks, or of 2^53 items in one, ends with the bytes", async () => {
    const counts = encoding.encode((encoder) => {
      encoding.writeVarUint(encoder, HUGE)
      encoding.writeVarUint(encoder, HUGE)
      encoding.writeVarUint(encoder, 5)
    })
    const items = updateOf(1, (encoder) => {
      encoding.writeVarUint(encoder, HUGE)
      encoding.writeVarUint(encoder, 77)
      encoding.writeVarUint(encoder, 0)
    })
    await survives(async () => {
      await atSync(frameOf(counts), frameOf(items))
      await atStock(stockUpdate(counts))
    })
  })

  it("[C1, C2] as many root names as an update may have", async () => {
    // 16,384 logs of which each has one element that is no head.
    const blocks = 16_384
    const element = new Uint8Array(14)
    const update = updateOf(blocks, (encoder, index) => {
      openLog(encoder, writer(2).device.id, index, 8)
      encoding.writeVarUint(encoder, 1)
      encoding.writeAny(encoder, element)
    })
    const some = updateOf(5_000, (encoder, index) => {
      openLog(encoder, writer(2).device.id, index, 8)
      encoding.writeVarUint(encoder, 1)
      encoding.writeAny(encoder, element)
    })
    await survives(async () => {
      await atSync(frameOf(some))
      await atStock(stockUpdate(update))
    })
  })

  it("[C1, R5] more blocks than an update may have, from a member and from a stranger", async () => {
    const blocks = (count: number): Uint8Array =>
      updateOf(count, (encoder, index) => {
        encoding.writeVarUint(encoder, 0)
        encoding.writeVarUint(encoder, index)
        encoding.writeVarUint(encoder, 0)
      })
    const many = blocks(90_000)
    const most = blocks(1_300_000)
    await survives(async () => {
      await atSync(frameOf(many))
      await atStock(stockUpdate(most))
      await atStock(stockUpdate(most), corpus.stranger.user)
      const wire = await greet(target.server.url, corpus.stranger)
      wire.send(frameOf(many))
      wire.send(frameOf(many, corpus.control))
      await pinged(wire)
      await answered(wire)
      wire.cut()
    })
  })

  it("[C1, E5] values nested as deep as a message is long", async () => {
    const nested = (depth: number): Uint8Array =>
      updateOf(1, (encoder) => {
        openLog(encoder, writer(2).device.id, 1, 8)
        encoding.writeVarUint(encoder, 1)
        for (let level = 0; level < depth; level++) {
          encoding.writeUint8(encoder, 117)
          encoding.writeVarUint(encoder, 1)
        }
        encoding.writeUint8(encoder, 126)
      })
    const frame = frameOf(nested(200_000))
    const message = stockUpdate(nested(3_000_000))
    const log = makeLog(writer(2).device, corpus.segment)
    const body = Uint8Array.from([2, ...new Array<number>(12).fill(1), ...new Array<number>(60_000).fill(117)])
    const deep = frameOf(encodeUpdate([await log.seal({ ...corpus.message(""), body })]))
    await survives(async () => {
      await atSync(frame, deep)
      await atStock(message)
    })
  })

  it("[C4] eight megabytes of values of one byte each", async () => {
    const update = updateOf(1, (encoder) => {
      const count = 8 * 2 ** 20 - 200
      openLog(encoder, writer(2).device.id, 1, 8)
      encoding.writeVarUint(encoder, count)
      encoding.writeUint8Array(encoder, new Uint8Array(count).fill(126))
    })
    await survives(() => atStock(stockUpdate(update)))
  })

  it("[C4] eight megabytes of the smallest elements", async () => {
    const update = updateOf(1, (encoder) => {
      const count = 500_000
      openLog(encoder, writer(2).device.id, 1, 8)
      encoding.writeVarUint(encoder, count)
      for (let index = 0; index < count; index++) encoding.writeAny(encoder, new Uint8Array(14))
    })
    await survives(() => atStock(stockUpdate(update)))
  })

  it("[C3] one missing dependency, then thousands of updates that build on it", async () => {
    const log = makeLog(writer(2).device, corpus.segment)
    await log.seal(corpus.message("withheld"))
    const frames: Uint8Array[] = []
    for (let index = 0; index < 3_000; index++) {
      frames.push(frameOf(encodeUpdate([await log.seal(corpus.message(String(index)))])))
    }
    await survives(() => atSync(...frames))
  })

  it("[C5] a delete set over clocks that nobody wrote", async () => {
    const deletes = (ranges: number): Uint8Array =>
      encoding.encode((encoder) => {
        encoding.writeVarUint(encoder, 0)
        encoding.writeVarUint(encoder, 2)
        for (let client = 0; client < 2; client++) {
          encoding.writeVarUint(encoder, corpus.segmentRuns[client]?.client ?? 0)
          encoding.writeVarUint(encoder, ranges)
          for (let index = 0; index < ranges; index++) {
            encoding.writeVarUint(encoder, 2 ** 45 + index)
            encoding.writeVarUint(encoder, 2 ** 40)
          }
        }
      })
    const small = deletes(15_000)
    const large = deletes(290_000)
    await survives(async () => {
      await atSync(frameOf(small))
      await atStock(stockUpdate(large))
    })
  })

  it("[C1, S1] numbers that never end, are too long, or are beyond 2^53", async () => {
    const odd = [
      new Uint8Array(400_000).fill(0xff),
      Uint8Array.of(...new Array<number>(300).fill(0x80), 0),
      Uint8Array.of(...new Array<number>(8).fill(0xff), 0x7f),
    ]
    await survives(async () => {
      for (const bytes of odd) {
        await atSync(frameOf(bytes))
        await atSync(Uint8Array.of(7, ...bytes.subarray(0, 400)))
        await atStock(stockUpdate(bytes))
        await atStock(bytes)
      }
    })
  })

  it("[E5, N1] halves of surrogate pairs in names, texts and tokens", async () => {
    const half = [0xed, 0xa0, 0xbd]
    const name = encoding.encode((encoder) => {
      encoding.writeUint8(encoder, 13)
      encoding.writeVarUint8Array(encoder, Uint8Array.of(...half))
      encoding.writeUint8Array(encoder, new Uint8Array(12))
    })
    const token = Uint8Array.of(5, 3, ...half)
    const root = updateOf(1, (encoder) => {
      encoding.writeVarUint(encoder, 1)
      encoding.writeVarUint(encoder, 77)
      encoding.writeVarUint(encoder, 0)
      encoding.writeUint8(encoder, 8)
      encoding.writeVarUint(encoder, 1)
      encoding.writeVarUint8Array(encoder, Uint8Array.of(...half))
      encoding.writeVarUint(encoder, 1)
      encoding.writeAny(encoder, "\ud83d")
    })
    const log = makeLog(writer(2).device, corpus.segment)
    const body = Uint8Array.of(2, ...new Array<number>(12).fill(1), 119, 3, ...half)
    const text = frameOf(encodeUpdate([await log.seal({ ...corpus.message(""), body })]))
    await survives(async () => {
      await atSync(name)
      await atSync(token)
      await atSync(frameOf(root), text)
      await atStock(stockUpdate(root))
    })
  })
})

describe("what costs signatures", { timeout: 120_000 }, () => {
  /** Runs of one device each in a log of its own; `spoil`: with a bad seal. */
  async function runs(device: TestDevice, count: number, spoil: boolean): Promise<LogRun[]> {
    const made: LogRun[] = []
    for (let index = 0; index < count; index++) {
      const log = makeLog(device, corpus.segment)
      const run = await log.seal(corpus.message("x"))
      made.push(
        spoil ? { ...run, elements: run.elements.map((element, at) => (at === 2 ? flipped(element) : element)) } : run,
      )
    }
    return made
  }

  function flipped(element: Uint8Array | null): Uint8Array {
    const bytes = element?.slice() ?? new Uint8Array()
    bytes[5] = (bytes[5] ?? 0) ^ 1
    return bytes
  }

  it("[C7, C11] many logs of one run each, all with bad seals", async () => {
    const frame = frameOf(encodeUpdate(await runs(writer(1).device, 1_700, true)))
    await survives(() => atSync(frame))
  })

  it("[C3, C7] one log of very many short runs, brought by another member again and again", async () => {
    const log = makeLog(writer(1).device, corpus.segment)
    const elements: Uint8Array[] = []
    const drafts = Array.from({ length: 3_000 }, (): Draft => corpus.message(""))
    for (const draft of drafts) {
      for (const element of (await log.seal(draft)).elements) if (element !== null) elements.push(element)
    }
    // Accepted the first time, as far as the rate allows; what is measured is the overlap with what is held.
    const frame = frameOf(encodeUpdate([{ log: log.id, client: log.client, from: 0, elements }]))
    await survives(() => atSync(frame))
  })

  it("[C7, K4] thousands of devices that nobody knows, each with a key of its own", async () => {
    const control: LogRun[] = []
    for (let index = 0; index < 1_500; index++) {
      const log = makeLog(await makeDevice(), corpus.control)
      control.push(await log.seal({ ...corpus.message("x"), class: "control" }))
    }
    const frame = frameOf(encodeUpdate(control), corpus.control)
    await survives(() => atSync(frame))
  })

  it("[X2] floods of erase records with bad signatures", async () => {
    const { segment } = corpus
    const device = writer(2).device
    const frames: Uint8Array[] = []
    for (let index = 0; index < 40; index++) {
      const records: Uint8Array[] = []
      for (let at = 0; at < 100; at++) {
        const fields = {
          target: device.id,
          bodyHash: hashBody(Uint8Array.of(index, at)),
          kind: "message" as const,
          publicKey: device.publicKey,
          clock: corpus.message("").clock,
          seen: corpus.heads,
        }
        const signature = flipped(await device.sign(recordMessage(segment, fields)))
        records.push(encodeRecord({ ...fields, signature }))
      }
      frames.push(encodeFrame({ kind: "records", id: index + 1, document: segment, records }))
    }
    await survives(() => atSync(...frames))
  })
})

describe("the session protocol", { timeout: 120_000 }, () => {
  it("[S4] pages of digests of conversations that nobody has", async () => {
    const page = (last: boolean): Uint8Array =>
      encodeFrame({
        kind: "digests",
        last,
        items: Array.from({ length: 4_096 }, () => ({
          conversation: Buffer.from(crypto.getRandomValues(new Uint8Array(18))).toString(
            "base64url",
          ) as typeof corpus.conversation,
          digest: new Uint8Array(12),
        })),
      })
    const pages = Array.from({ length: 9 }, (_, index) => page(index === 8))
    await survives(() => atSync(...pages))
  })

  it("[S5, S10] floods of the longest vectors, of answers that nobody reads", async () => {
    const log = corpus.segmentRuns[0]?.log ?? ("" as LogRun["log"])
    const long = encodeFrame({
      kind: "vector",
      document: corpus.segment,
      reply: true,
      logs: Array.from({ length: 20_000 }, () => ({ log, count: 1 })),
      records: [],
    })
    const short = encodeFrame({ kind: "vector", document: corpus.segment, reply: true, logs: [], records: [] })
    await survives(async () => {
      await atSync(...new Array<Uint8Array>(10).fill(long))
      const deaf = await greet(target.server.url, writer(2))
      deaf.pause()
      for (let index = 0; index < 5_000; index++) deaf.send(short)
      await atSync(short)
      deaf.cut()
    })
  })

  it("[S12] state vectors and presence of millions", async () => {
    const vector = encoding.encode((encoder) => {
      const count = 1_000_000
      encoding.writeVarUint(encoder, count)
      for (let index = 0; index < count; index++) {
        encoding.writeVarUint(encoder, index)
        encoding.writeVarUint(encoder, 1)
      }
    })
    const step1 = encoding.encode((encoder) => {
      encoding.writeVarUint(encoder, 0)
      encoding.writeVarUint(encoder, 0)
      encoding.writeVarUint8Array(encoder, vector)
    })
    const presence = encoding.encode((encoder) => {
      encoding.writeVarUint(encoder, 1)
      encoding.writeVarUint8Array(encoder, vector)
    })
    await survives(async () => {
      await atStock(step1)
      await atStock(presence)
    })
  })
})

describe("packed frames", { timeout: 120_000 }, () => {
  /** So many bytes as a member's update that is none, which deflate to a sixteenth or a little more. */
  function dense(length: number): Uint8Array {
    const update = new Uint8Array(length - 60)
    crypto.getRandomValues(update.subarray(0, Math.min(65_536, Math.ceil(length / 14))))
    return frameOf(update)
  }

  const raw = (size: number, bytes: Uint8Array): Uint8Array => encodeFrame({ kind: "packed", size, bytes })

  /** How many connections ended of those that each sent one of these. */
  async function ended(...bombs: readonly Uint8Array[]): Promise<readonly string[]> {
    return Promise.all(
      bombs.map(async (bomb) => {
        const wire = await greet(target.server.url, writer(2))
        wire.send(bomb)
        return wire.ended
      }),
    )
  }

  it("[S14] zeros that make a thousand times their bytes, whatever they say to make, on many connections at once", async () => {
    const zeros = deflateRawSync(new Uint8Array(400 * 2 ** 20))
    const half = deflateRawSync(new Uint8Array(MAX_FRAME_BYTES))
    expect(zeros.length).toBeLessThan(MAX_FRAME_BYTES)
    const bombs = [
      raw(MAX_FRAME_BYTES, zeros),
      raw(400 * 2 ** 20, zeros),
      raw(4_096, zeros),
      raw(MAX_FRAME_BYTES, half),
      raw(half.length * 16, half),
      raw(2 ** 53 - 1, half),
    ]
    const codes = ["BAD_FRAME", "FRAME_TOO_LARGE", "BAD_FRAME", "BAD_FRAME", "BAD_FRAME", "FRAME_TOO_LARGE"]
    await survives(async () => {
      for (let round = 0; round < 5; round++) expect(await ended(...bombs)).toEqual(codes)
    })
  })

  it("[S14] packed frames in packed frames, garbage, streams that are cut, followed by more, and of nothing", async () => {
    const frame = dense(100_000)
    const bytes = deflateRawSync(frame)
    const inner = packed(frame)
    const bombs = [
      packed(Buffer.concat([inner, inner])),
      packed(inner),
      raw(frame.length, crypto.getRandomValues(new Uint8Array(60_000))),
      raw(frame.length, bytes.subarray(0, -1)),
      raw(frame.length, Buffer.concat([bytes, bytes])),
      raw(frame.length, new Uint8Array()),
      raw(0, new Uint8Array()),
      // Blocks without end of which each holds nothing.
      raw(
        MAX_FRAME_BYTES,
        new Uint8Array(500_000).map((_, at) => [0, 0, 0, 255, 255][at % 5] as number),
      ),
    ]
    await survives(async () => {
      for (let round = 0; round < 5; round++) {
        expect(await ended(...bombs)).toEqual(bombs.map(() => "BAD_FRAME"))
      }
    })
  })

  it("[S14] floods of packed frames of the greatest size and ratio, and of the smallest", async () => {
    const large = packed(dense(MAX_FRAME_BYTES - 200))
    expect(large.length).toBeLessThan(MAX_FRAME_BYTES / 12)
    const small = packed(dense(4_200))
    await survives(async () => {
      const flood = async (bytes: Uint8Array, count: number): Promise<void> => {
        const wire = await greet(target.server.url, writer(2))
        expect(await pingedAfterEach(wire, new Array<Uint8Array>(count).fill(bytes))).toBe(count)
        await answered(wire)
        wire.cut()
      }
      await Promise.all([flood(large, 60), flood(small, 600), flood(small, 600)])
    })
  })

  it("[S14] packed frames before anybody said who they are", async () => {
    const bomb = packed(dense(100_000))
    await survives(async () => {
      const wires = await Promise.all(Array.from({ length: 40 }, () => Wire.open(`${target.server.url}/sync`)))
      for (const wire of wires) wire.send(bomb)
      expect(await Promise.all(wires.map((wire) => wire.ended))).toEqual(wires.map(() => "BAD_FRAME"))
    })
  })
})

describe("before anybody said who they are", { timeout: 120_000 }, () => {
  const port = (): number => Number(new URL(target.server.url).port)

  it("[S1] many connections that send one byte of a hello are refused", async () => {
    await survives(async () => {
      const silent = await Promise.all(Array.from({ length: 40 }, () => Wire.open(`${target.server.url}/sync`)))
      for (const wire of silent) wire.send(Uint8Array.of(2))
      expect(await Promise.all(silent.map((wire) => wire.ended))).toEqual(silent.map(() => "BAD_FRAME"))
    })
  })

  it("[S1] headers without end, and bodies of another protocol, are refused by the listener", async () => {
    const answer = (request: Buffer): Promise<string> =>
      new Promise((resolve) => {
        let said = ""
        const socket = connect(port(), "127.0.0.1", () => socket.write(request))
        socket.on("data", (chunk: Buffer) => (said += chunk.toString("latin1")))
        socket.on("error", () => undefined)
        socket.on("close", () => {
          resolve(said)
        })
      })
    await survives(async () => {
      const headers = Buffer.from(`GET /sync HTTP/1.1\r\nHost: x\r\n${"X-A: b\r\n".repeat(200_000)}\r\n`)
      expect(await answer(headers)).toContain("431")
      expect(await answer(Buffer.from(crypto.getRandomValues(new Uint8Array(4096))))).toContain("400")
    })
  })

  it("[S1] a hello with the longest token, and one beyond the bound", async () => {
    const hello = (token: string, padding: number): Uint8Array =>
      encoding.encode((encoder) => {
        encoding.writeUint8(encoder, 2)
        encoding.writeVarUint(encoder, 1)
        encoding.writeVarUint(encoder, 0)
        encoding.writeVarString(encoder, token)
        encoding.writeUint8Array(encoder, new Uint8Array(96 + padding))
      })
    await survives(async () => {
      for (const bytes of [hello("x".repeat(8_192), 0), hello("x", 15_000), hello("x", 900_000)]) {
        const wire = await Wire.open(`${target.server.url}/sync`)
        wire.send(bytes)
        // A key of zeros has order 4: by it zeros sign one challenge in four, and then the token is asked, before the key.
        expect(["DEVICE_PROOF_FAILED", "AUTH_FAILED", "BAD_FRAME", "FRAME_TOO_LARGE"]).toContain(await wire.ended)
      }
    })
  })
})
