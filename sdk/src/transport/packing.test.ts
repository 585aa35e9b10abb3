import { expect, it } from "vitest"
import { hex, sha256 } from "../protocol/bytes.js"
import { decodeFrame, encodeFrame, type Frame } from "../protocol/frame.js"
import { isPackable, packFrame, type Deflate } from "../protocol/packed.js"
import { hostDeflate } from "./host-deflate.js"
import { packing } from "./packing.js"
import type { Transport } from "./transport.js"

const host = hostDeflate()!

/** A transport on which nothing leaves by itself, and which says what it was given. */
function makeLine(deflate: Deflate | undefined = host) {
  const sent: Uint8Array[] = []
  const heard: (Uint8Array | number)[] = []
  let tell: Parameters<Transport["connect"]>[1] | undefined
  const wakes: (() => void)[] = []
  const woken = (): void => {
    for (const wake of wakes.splice(0)) wake()
  }
  const transport = packing(
    {
      connect: (_, events) => {
        tell = events
        return {
          send: (bytes) => {
            sent.push(bytes)
            woken()
          },
          get unsentBytes() {
            return 7
          },
          close: (code) => {
            events.closed(code ?? 1000)
          },
        }
      },
    },
    deflate,
  )
  const connection = transport.connect("ws://server", {
    opened: () => undefined,
    message: (bytes) => {
      heard.push(bytes)
      woken()
    },
    closed: (code) => {
      heard.push(code)
      woken()
    },
  })
  const until = async (isSo: () => boolean): Promise<void> => {
    while (!isSo()) await new Promise<void>((resolve) => wakes.push(resolve))
  }
  return { connection, sent, heard, arrives: tell!, until }
}

const ping = (id: number): Uint8Array => encodeFrame({ kind: "ping", id })

/** What packs to a third. */
function update(id: number): Uint8Array {
  const bytes = crypto.getRandomValues(new Uint8Array(20_000)).map((byte) => byte & 3)
  return encodeFrame({ kind: "next", id, update: bytes })
}

const kindOf = (bytes: Uint8Array | undefined): Frame["kind"] | undefined => bytes && decodeFrame(bytes)?.kind

it("[S14] sends nothing packed before it is told to, and what is small never", () => {
  const { connection, sent } = makeLine()
  const frame = update(1)
  connection.send(frame)
  expect(sent).toHaveLength(1)
  connection.pack?.()
  connection.send(ping(1))
  expect(sent[0]).toBe(frame)
  expect(sent[1]).toEqual(ping(1))
})

it("[S14] keeps the order out, counts what waits as unsent, and comes back to sending at once", async () => {
  const { connection, sent, until } = makeLine()
  connection.pack?.()
  const frames = [ping(1), update(2), ping(3), update(4), ping(5)]
  for (const frame of frames) connection.send(frame)
  expect(sent).toEqual([ping(1)])
  const waiting = frames.slice(1).reduce((sum, { length }) => sum + length, 7)
  expect(connection.unsentBytes).toBe(waiting)
  await until(() => sent.length === 5)
  expect(sent.map(kindOf)).toEqual(["ping", "packed", "ping", "packed", "ping"])
  expect(connection.unsentBytes).toBe(7)
  connection.send(ping(6))
  expect(sent.at(-1)).toEqual(ping(6))
})

it("[S14] unpacks what comes in, in its place, and tells of the end behind it", async () => {
  const { connection, heard, arrives, until } = makeLine()
  connection.pack?.()
  const frames = [ping(1), update(2), ping(3), update(4)]
  const packed = await Promise.all(frames.map(async (frame) => (isPackable(frame) ? packFrame(frame, host) : frame)))
  for (const bytes of packed) arrives.message(bytes)
  arrives.closed(4001)
  expect(heard).toEqual([ping(1)])
  await until(() => heard.length === 5)
  expect(heard.map((what) => (typeof what === "number" ? what : hex(sha256(what))))).toEqual([
    ...frames.map((frame) => hex(sha256(frame))),
    4001,
  ])
})

it("[S14] what is sent before a close goes before it, as it is", async () => {
  const { connection, sent, heard } = makeLine()
  connection.pack?.()
  const frames = [update(1), ping(2)]
  for (const frame of frames) connection.send(frame)
  connection.close(1000)
  expect(sent.every((bytes, at) => bytes === frames[at])).toBe(true)
  expect(sent).toHaveLength(2)
  expect(heard).toEqual([1000])
})

it("[S14] a packed frame before `pack` comes as it is; garbage, or a packed frame in a packed one, ends the connection", async () => {
  const inner = decodeFrame(await packFrame(update(2), host))
  if (inner?.kind !== "packed") throw new TypeError("it was not packed")
  const garbage = encodeFrame({ ...inner, bytes: crypto.getRandomValues(new Uint8Array(inner.bytes.length)) })
  const few = crypto.getRandomValues(new Uint8Array(9_000)).map((byte) => byte & 3)
  const twice = await packFrame(encodeFrame({ kind: "packed", size: 5_000, bytes: few }), host)
  for (const bad of [garbage, twice]) {
    const { connection, heard, arrives, until } = makeLine()
    arrives.message(await packFrame(update(1), host))
    expect(kindOf(heard[0] as Uint8Array)).toBe("packed")
    connection.pack?.()
    arrives.message(bad)
    arrives.message(ping(1))
    await until(() => heard.length === 2)
    await new Promise((resolve) => setImmediate(resolve))
    expect(heard.slice(1)).toEqual([1006])
  }
})

it("[S14] without deflate it is the transport that it was", () => {
  const bare: Transport = {
    connect: () => ({ send: () => undefined, unsentBytes: 0, close: () => undefined }),
  }
  expect(packing(bare, undefined)).toBe(bare)
})
