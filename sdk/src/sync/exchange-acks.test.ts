import { expect, it, onTestFinished } from "vitest"
import { systemEnv } from "../base/env.js"
import { createSignal } from "../base/store.js"
import { deviceNamed } from "../log/scenario.js"
import type { Frame } from "../protocol/frame.js"
import type { UserId } from "../protocol/names.js"
import { createMemoryStorage } from "../storage/memory.js"
import { AccountReplica } from "./account-replica.js"
import { Acks } from "./acks.js"
import { Exchange } from "./exchange.js"
import { Replica } from "./replica.js"

const server = "ws://server"

it("[S4, I1] what is sealed between the digests and their answer counts as held when it is acknowledged, not before", async () => {
  const storage = createMemoryStorage()
  const user = "ann" as UserId
  const signer = await deviceNamed("ann")
  const replica = await Replica.open({
    ...{ storage, env: systemEnv, user, signer },
    verify: async () => true,
    refusesKey: () => false,
  })
  onTestFinished(() => replica.close())
  await replica.becomeWriter()
  replica.setCarrier("any", true)
  const trip = await replica.create("Trip", [], [])
  const { document } = trip.post(new Map([["t", "before"]]))
  await trip.controlDocument.flush()
  await document.flush()
  const acks = await Acks.load(storage)
  await acks.meet(server, new Uint8Array(16))
  const account = await AccountReplica.open({
    ...{ storage, env: systemEnv, user },
    guard: () => replica.writeGuard,
    report: () => undefined,
  })
  onTestFinished(() => account.close())
  const sent = createSignal<Frame>()
  const update = new Promise<Frame & { kind: "update" }>((resolve) => {
    sent.on((frame) => {
      if (frame.kind === "update") resolve(frame)
    })
  })
  const handled = createSignal<undefined>()
  const exchange = new Exchange({
    ...{ replica, account, acks, env: systemEnv, server, isRenewed: false },
    send: (frame) => {
      sent.emit(frame)
    },
    drained: async () => undefined,
    askTime: async () => undefined,
    changed: () => {
      handled.emit(undefined)
    },
    failed: (error) => {
      throw error
    },
  })
  onTestFinished(() => {
    exchange.end()
  })
  const take = (frame: Frame): Promise<void> =>
    new Promise((resolve) => {
      const stop = handled.on(() => {
        stop()
        resolve()
      })
      exchange.take(frame)
    })

  await exchange.start()
  const log = document.ownLog!
  const before = document.summary.logs.values().next().value!.count
  trip.post(new Map([["t", "meanwhile"]]))
  await document.flush()
  const { id } = await update
  // The server held the same as the digests said; of what was sealed since it has said nothing.
  await take({ kind: "compared" })
  expect(acks.count(document.name, log)).toBe(before)
  await take({ kind: "ack", id, copies: 1 })
  expect(acks.count(document.name, log)).toBe(document.summary.logs.values().next().value!.count)
})
