import { type ConversationId, type DocumentName, type UserId } from "@weft/sdk/protocol"
import { expect, it, onTestFinished } from "vitest"
import { ControlLog } from "../../../test/support/control-log.js"
import { makeDevice } from "../../../test/support/device.js"
import { openRegistry } from "../../../test/support/registry.js"
import { temporaryDirectory } from "../../../test/support/temporary.js"
import { openLevelStore } from "../store/level-store.js"
import type { Store } from "../store/store.js"
import type { Registry } from "./registry.js"
import type { Source } from "./source.js"
import { UserIndex } from "./user-index.js"

const [alice, bob] = ["alice" as UserId, "bob" as UserId]
const peer: Source = { kind: "peer", origin: {} }

/** A real store; `appending` is awaited before each append. */
async function openStore(appending: (document: string) => Promise<void> | void = () => undefined): Promise<Store> {
  const real = await openLevelStore({ directory: await temporaryDirectory() })
  onTestFinished(() => real.close())
  return new Proxy(real, {
    get(target, name) {
      if (name === "append")
        return async (append: Parameters<Store["append"]>[0]) => {
          await appending(append.document)
          return target.append(append)
        }
      const value: unknown = Reflect.get(target, name)
      return typeof value === "function" ? (value.bind(target) as unknown) : value
    },
  })
}

/** The codes with which a server refuses what a source brings, once the rest is durable. */
async function submit(
  registry: Registry,
  id: ConversationId,
  document: DocumentName,
  update: Uint8Array,
  source: Source = peer,
): Promise<string[]> {
  const { refused, durable } = await registry.conversation(id).submit(source, document, update)
  await durable
  return refused.map(({ code }) => code)
}

it("[S4] who is added again before the removal is on the disk is a member in the index", async () => {
  let written: Promise<void> = Promise.resolve()
  const store = await openStore(() => written)
  const { registry } = openRegistry(store)
  const device = await makeDevice()
  const { control, base } = await ControlLog.begin(device, alice, [{ user: bob, role: "member" }])
  expect(await submit(registry, control.id, control.name, control.whole)).toEqual([])

  let write = (): void => undefined
  written = new Promise((resolve) => (write = resolve))
  const conversation = registry.conversation(control.id)
  const removal = await control.remove(device, bob, [base])
  const out = await conversation.submit(peer, control.name, control.last)
  const back = await control.write(device, { kind: "add", user: bob, role: "member" }, [removal])
  const again = await conversation.submit(peer, control.name, control.last)
  write()
  await Promise.all([out.durable, again.durable])
  await registry.settled()
  const indexed = async () => (await new UserIndex(store).conversations(bob)).get(control.id)
  expect([await registry.conversation(control.id).standing(bob), await indexed()]).toEqual(["member", "member"])

  await control.remove(device, bob, [back])
  expect(await submit(registry, control.id, control.name, control.last)).toEqual([])
  await registry.settled()
  expect(await indexed()).toBe("former")
})
