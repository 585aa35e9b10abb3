import { expect, it } from "vitest"
import type { Entry } from "../log/check.js"
import { hashBody, type ControlId } from "../protocol/entry.js"
import type { LogId } from "../protocol/names.js"
import { createLedger } from "./ledger.js"
import { Scenario } from "./scenario.js"

/** As the check gives it: its body is a view of the update. */
function entryOf(scenario: Scenario, id: ControlId, update: Uint8Array): Entry {
  const { device, clock, seen, body } = scenario.entry(id)
  update.set(body)
  const head = { class: "control", clock, bodyHash: hashBody(body), seen } as const
  const view = update.subarray(0, body.length)
  return { log: `${device}/log` as LogId, device, position: 0, head, control: id, body: view, seen, firstSeen: seen }
}

it("what authority keeps of an entry does not keep the bytes of its update alive", async () => {
  const scenario = new Scenario()
  const ledger = createLedger(scenario.conversation, { verify: async () => true, refusesKey: () => false })
  const update = new Uint8Array(1_000)
  await ledger.add([entryOf(scenario, scenario.create, update)])
  const { created } = ledger.state
  expect(created).toBeDefined()
  update.fill(0)
  const title = scenario.title("ann", "Trip", [scenario.create])
  await ledger.add([entryOf(scenario, title, new Uint8Array(1_000))])
  expect(ledger.state.created).toEqual(created)
})
