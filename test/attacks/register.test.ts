/* Receipt registers that are not what they say. Each is refused with its code, and an honest client still works. */
import {
  compareThreadNames,
  encodeFrame,
  messageIdOf,
  threadName,
  type Clock,
  type ReadThread,
  type RefusalCode,
  type ThreadName,
} from "@weft/sdk/protocol"
import { expect, it } from "vitest"
import { makeDevice } from "../support/device.js"
import { clockNow, RawClient, RawConversation } from "../support/raw-client.js"
import { fetchRegisters, makeRegister, sendRegisters } from "../support/registers.js"
import { openArena, type Arena } from "./arena.js"

/** A new register of alice's reaches bob, and is what the server keeps. */
async function honest(arena: Arena): Promise<void> {
  const { alice, bob, trip } = arena
  const register = await makeRegister(alice.device, trip.id)
  sendRegisters(alice, trip.id, register.bytes)
  await bob.connection.next("registers", ({ items }) =>
    items.some((item) => Buffer.compare(item, register.bytes) === 0),
  )
  const held = (await fetchRegisters(bob, trip.id)).map((bytes) => Buffer.from(bytes).toString("hex"))
  expect(held).toContain(Buffer.from(register.bytes).toString("hex"))
  await arena.honest()
}

async function refused(arena: Arena, from: RawClient, code: RefusalCode, bytes: Uint8Array): Promise<void> {
  sendRegisters(from, arena.trip.id, bytes)
  expect(await from.connection.next("declined")).toMatchObject({ conversation: arena.trip.id, code })
  const metrics = await (await fetch(`${arena.server.url.replace("ws", "http")}/metrics`)).text()
  expect(metrics).toContain(`weft_register_refusals_total{code="${code}"}`)
  const held = await fetchRegisters(from, arena.trip.id)
  expect(held.some((item) => Buffer.compare(item, bytes) === 0)).toBe(false)
  await honest(arena)
}

it("[P3] nobody speaks for another's device: a forged signature", async () => {
  const arena = await openArena()
  const { bytes } = await makeRegister(arena.bob.device, arena.trip.id)
  const forged = bytes.slice()
  forged[forged.length - 1]! ^= 1
  await refused(arena, arena.mallory, "BAD_SIGNATURE", forged)
})

it("[P3] a register's content can't be changed under its signature", async () => {
  const arena = await openArena()
  const delivered = [{ segment: 1, client: 7, count: 3 }]
  const { bytes } = await makeRegister(arena.bob.device, arena.trip.id, { delivered })
  const changed = bytes.slice()
  changed[bytes.length - 65]! += 3
  await refused(arena, arena.mallory, "BAD_SIGNATURE", changed)
})

it("[P1] a register is of one conversation: its replay into another is refused", async () => {
  const arena = await openArena()
  const other = await RawConversation.create(arena.bob, ["mallory"])
  const { bytes } = await makeRegister(arena.bob.device, other.id)
  await refused(arena, arena.mallory, "BAD_SIGNATURE", bytes)
})

it("[P3] a device that nobody introduced has none", async () => {
  const arena = await openArena()
  const stranger = await makeDevice()
  await refused(arena, arena.mallory, "CONTROL_UNKNOWN", (await makeRegister(stranger, arena.trip.id)).bytes)
})

it("[P4] an older one is stale, and its device is told", async () => {
  const arena = await openArena()
  const { mallory, trip } = arena
  const old = await makeRegister(mallory.device, trip.id)
  const fresh = await makeRegister(mallory.device, trip.id, { delivered: [{ segment: 1, client: 1, count: 3 }] })
  sendRegisters(mallory, trip.id, fresh.bytes)
  await refused(arena, mallory, "STALE", old.bytes)
})

it("[P3, R2] a clock ahead of the server's time is refused", async () => {
  const arena = await openArena()
  const { mallory, trip } = arena
  const minute = 60_000
  const ahead = (minutes: number): { clock: Clock } => ({ clock: clockNow(minutes * minute) })
  await refused(arena, mallory, "CLOCK_AHEAD", (await makeRegister(mallory.device, trip.id, ahead(3))).bytes)
  await refused(arena, mallory, "CLOCK_FAR_AHEAD", (await makeRegister(mallory.device, trip.id, ahead(120))).bytes)
})

it("[P1, P2] too many logs are malformed, too many bytes end the connection", async () => {
  const arena = await openArena()
  const { mallory, trip } = arena
  const logs = Array.from({ length: 192 }, (_, index) => ({ segment: 1, client: index, count: 1 }))
  const { bytes } = await makeRegister(mallory.device, trip.id, { delivered: logs })
  // One more log than may be listed, where the count says so.
  const fields = 1 + 32 + 7 + 1
  const longer = Buffer.concat([
    bytes.subarray(0, fields + 3),
    Uint8Array.of(193, 1),
    bytes.subarray(fields + 5, -64),
    Uint8Array.of(0, 0, 0, 0, 0, 1, 0, 1),
    bytes.subarray(-64),
  ])
  await refused(arena, mallory, "MALFORMED", new Uint8Array(longer))
  const frame = encodeFrame({ kind: "registers", conversation: trip.id, items: [new Uint8Array(8192)] })
  // The same frame with one byte more in its item: 8192 is `80 40`, 8193 is `81 40`.
  const at = frame.findIndex((byte, index) => index > 18 && byte === 0x80 && frame[index + 1] === 0x40)
  mallory.connection.sendBytes(
    Buffer.concat([frame.subarray(0, at), Uint8Array.of(0x81), frame.subarray(at + 1), Uint8Array.of(0)]),
  )
  expect(await mallory.connection.closed).toBe("BAD_FRAME")
  await honest(arena)
})

it("[P1, P2] threads that are out of order, or of which nothing was read, are malformed", async () => {
  const arena = await openArena()
  const { mallory, bob, trip } = arena
  const [first, second] = [1, 2]
    .map((byte) => threadName(messageIdOf(bob.device.id, new Uint8Array(24).fill(byte))))
    .sort(compareThreadNames) as [ThreadName, ThreadName]
  const log = { segment: 1, client: 7, count: 3 }
  const say = (...threads: readonly ReadThread[]) => makeRegister(mallory.device, trip.id, { read: [], threads })
  const good = await say({ thread: first, logs: [log] }, { thread: second, logs: [log] })
  sendRegisters(mallory, trip.id, good.bytes)
  await bob.connection.next("registers")
  const swapped = await say({ thread: second, logs: [log] }, { thread: first, logs: [log] })
  await refused(arena, mallory, "MALFORMED", swapped.bytes)
  sendRegisters(mallory, trip.id, (await say({ thread: first, logs: [{ ...log, count: 0 }] })).bytes)
  expect(await mallory.connection.next("declined")).toMatchObject({ code: "MALFORMED" })
})

it("[P3] who is no member neither writes nor reads registers", async () => {
  const arena = await openArena()
  const eve = await RawClient.connect(arena.server.url, { user: "eve" })
  await honest(arena)
  sendRegisters(eve, arena.trip.id, (await makeRegister(eve.device, arena.trip.id)).bytes)
  expect(await eve.connection.next("declined")).toMatchObject({ code: "FORBIDDEN" })
  expect(await fetchRegisters(eve, arena.trip.id)).toEqual([])
  await honest(arena)
})

it("[P4] registers of a removed member go, and none comes back", async () => {
  const arena = await openArena()
  const { alice, bob, mallory, trip } = arena
  const { bytes } = await makeRegister(mallory.device, trip.id)
  sendRegisters(mallory, trip.id, bytes)
  await bob.connection.next("registers")
  expect(await fetchRegisters(bob, trip.id)).toHaveLength(1)
  await trip.govern(alice, { kind: "remove", user: mallory.certificate.user, cut: new Map() })
  expect(await fetchRegisters(bob, trip.id)).toEqual([])
  sendRegisters(bob, trip.id, bytes)
  expect(await bob.connection.next("declined")).toMatchObject({ code: "NOT_MEMBER" })
  await honest(arena)
})

it("a flood of registers is limited, and nobody else is", async () => {
  const arena = await openArena({ limits: { registerBurst: 20, registersPerSecond: 1 } })
  const { mallory, trip } = arena
  for (let index = 0; index < 100; index++) {
    sendRegisters(mallory, trip.id, (await makeRegister(mallory.device, trip.id)).bytes)
  }
  const declined = await mallory.connection.next("declined")
  expect(declined.code).toBe("RATE_LIMITED")
  expect(declined.retryAfterMs).toBeGreaterThan(0)
  await honest(arena)
})
