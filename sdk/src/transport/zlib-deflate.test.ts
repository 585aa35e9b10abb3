import * as zlib from "node:zlib"
import { expect, it } from "vitest"
import { utf8 } from "../protocol/bytes.js"
import { zlibDeflate } from "./zlib-deflate.js"

it("[S14] what keeps a slice of an unpacked frame keeps no more of it", async () => {
  const { deflate, inflate } = zlibDeflate(zlib)
  const frame = utf8("a frame, ".repeat(1_000))
  const made = await inflate(await deflate(frame), frame.length)
  expect(made).toEqual(frame)
  expect(made.slice(0, 7).buffer.byteLength).toBe(7)
})
