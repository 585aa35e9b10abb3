import {
  certificateMessage,
  conversationIdOf,
  controlDocument,
  controlIdOf,
  createLedger,
  encodeControl,
  readRun,
  systemEnv,
  type UserId,
} from "@weft/sdk/protocol"
import { expect, it, onTestFinished } from "vitest"
import { makeDevice, makeLog } from "../../../test/support/device.js"
import { clockNow } from "../../../test/support/raw-client.js"
import { makeRegister } from "../../../test/support/registers.js"
import { temporaryDirectory } from "../../../test/support/temporary.js"
import { createVerifier } from "../auth/verifier.js"
import { Rates } from "../limits/rates.js"
import { createMetrics } from "../observe/metrics.js"
import { openLevelStore } from "../store/level-store.js"
import { DigestTable } from "./digest-table.js"
import { StoredRegisters } from "./stored-registers.js"

const alice = "alice" as UserId

it("[P6] registers that were written leave nothing behind but the newest", async () => {
  const store = await openLevelStore({ directory: await temporaryDirectory() })
  onTestFinished(() => store.close())
  const device = await makeDevice()
  const salt = (): Uint8Array => systemEnv.randomBytes(12)
  const body = encodeControl({ kind: "create", user: alice, title: "", trust: [device.publicKey], members: [] }, salt())
  const id = conversationIdOf(device.id, body)
  const log = makeLog(device, controlDocument(id))
  const run = await log.seal({ class: "control", clock: clockNow(), body, seen: [] })
  const seen = [controlIdOf(device.id, run.elements[0] ?? new Uint8Array())]
  // The test's device is its own issuer.
  const fields = { user: alice, publicKey: device.publicKey, issuedAt: 1, issuer: device.publicKey }
  const certificate = { ...fields, signature: await device.sign(certificateMessage(fields)) }
  await log.seal({
    class: "control",
    clock: clockNow(),
    body: encodeControl({ kind: "introduce", certificate }, salt()),
    seen,
  })
  const verifier = createVerifier()
  const ledger = createLedger(id, {
    verify: async (...proof) => verifier.verify(...proof),
    refusesKey: (key) => verifier.refusesKey(key),
  })
  await ledger.add(readRun(log.whole))
  const written: Promise<void>[] = []
  const registers = new StoredRegisters(
    id,
    {
      store,
      digests: new DigestTable(store),
      verifier,
      metrics: createMetrics({ process: false }),
      registered: new Rates({ perSecond: 100, burst: 100 }),
      relayed: new Rates({ perSecond: 100, burst: 100 }),
      now: () => systemEnv.now(),
      relayRegisters: () => undefined,
    },
    (write) => written.push(write),
  )
  const source = { kind: "device", device: device.id, user: alice, origin: {} } as const
  for (let index = 0; index < 20; index++) {
    const { bytes } = await makeRegister(device, id)
    const { refused } = await registers.submit(source, ledger.state, [bytes])
    expect(refused).toEqual([])
  }
  expect(written).toHaveLength(20)
  await Promise.all(written)
  expect(await store.registers(id)).toHaveLength(1)
})
