import type { IncomingMessage } from "node:http"
import { expect, it } from "vitest"
import { addressOf, isLoopback } from "./address.js"
import { Slots } from "./slots.js"

function request(forwarded: string | undefined): IncomingMessage {
  const headers = forwarded === undefined ? {} : { "x-forwarded-for": forwarded }
  return { socket: { remoteAddress: "10.0.0.1" }, headers } as unknown as IncomingMessage
}

it("believes a proxy only where it is trusted, and only the proxy's own word", () => {
  expect(addressOf(request("1.2.3.4"), false)).toBe("10.0.0.1")
  expect(addressOf(request("6.6.6.6, 1.2.3.4"), true)).toBe("1.2.3.4")
  expect(addressOf(request("nonsense"), true)).toBe("10.0.0.1")
  expect(addressOf(request(undefined), true)).toBe("10.0.0.1")
})

it("knows this machine", () => {
  expect(["127.0.0.1", "127.1.2.3", "::1", "::ffff:127.0.0.1"].every(isLoopback)).toBe(true)
  expect(["10.0.0.1", "::2", "1270.0.0.1", "unknown"].some(isLoopback)).toBe(false)
})

it("counts slots by name", () => {
  const slots = new Slots()
  expect([slots.take("a", 2), slots.take("a", 2), slots.take("a", 2)]).toEqual([true, true, false])
  slots.give("a")
  expect([slots.take("a", 2), slots.take("a", 2), slots.take("b", 1)]).toEqual([true, false, true])
})
