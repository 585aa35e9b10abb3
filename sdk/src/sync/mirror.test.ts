/* What becomes of the mirrors that stock carriers get. */
import { expect, it, onTestFinished } from "vitest"
import type * as Y from "yjs"
import { systemEnv } from "../base/env.js"
import { deviceNamed } from "../log/scenario.js"
import type { UserId } from "../protocol/names.js"
import { createMemoryStorage } from "../storage/memory.js"
import { attachMirrors } from "./mirror.js"
import { Replica } from "./replica.js"

/** A conversation with one message, carried: how many mirrors of its segment were made, and those that live. */
async function carried(fill: (mirror: Y.Doc) => void = () => undefined) {
  const storage = createMemoryStorage()
  const open = async (): Promise<Replica> => {
    const replica = await Replica.open({
      ...{ storage: storage.share(), env: systemEnv, user: "ann" as UserId, signer: await deviceNamed("ann") },
      verify: async () => true,
      refusesKey: () => false,
    })
    onTestFinished(() => replica.close())
    return replica
  }
  const replica = await open()
  await replica.becomeWriter()
  const trip = await replica.create("Trip", [], [])
  await trip.controlDocument.flush()
  trip.post(new Map([["t", "first"]]))
  const segment = await trip.segment(1)
  await segment.flush()
  const alive = new Set<Y.Doc>()
  let made = 0
  const attachment = attachMirrors(trip, (name, mirror) => {
    if (name !== segment.name) return { destroy: () => undefined }
    made++
    alive.add(mirror)
    fill(mirror)
    return { destroy: () => alive.delete(mirror) }
  })
  onTestFinished(() => attachment.detach())
  const mirrors = (): [made: number, alive: number] => [made, alive.size]
  return { open, trip, segment, mirrors }
}

it("[C14] a carrier goes on however often another tab writes", async () => {
  const { open, trip, segment, mirrors } = await carried()
  await expect.poll(mirrors).toEqual([1, 1])
  const other = await open()
  const theirs = await other.conversation(trip.id)
  for (let count = 1; count <= 8; count++) {
    const { document } = theirs.post(new Map([["t", `from the other tab ${count}`]]))
    await document.save()
    await trip.reload(segment.name)
    await expect.poll(mirrors).toEqual([1 + count, 1])
  }
})

it("[C14] a carrier that poisons every mirror is given up", async () => {
  const { mirrors } = await carried((mirror) => mirror.getText("notes").insert(0, "poison"))
  await expect.poll(mirrors).toEqual([5, 0])
})
