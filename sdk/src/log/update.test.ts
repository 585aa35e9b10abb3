import { expect, it } from "vitest"
import { segmentDocument, type ConversationId } from "../protocol/names.js"
import { deviceNamed, messageDraft } from "./scenario.js"
import { encodeUpdate, joinUpdates, type LogRun } from "./update.js"
import { openLog, sealRun } from "./writer.js"
import { emptySummary } from "./summary.js"

const document = segmentDocument("testtesttesttesttesttest" as ConversationId, 1)

/** Sealed runs of one device, one message each, in their order. */
async function runsOf(name: string, count: number): Promise<LogRun[]> {
  const device = await deviceNamed(name)
  const log = openLog(emptySummary(document), device, (length) => new Uint8Array(length))
  const runs: LogRun[] = []
  let before: Awaited<ReturnType<typeof sealRun>>["next"] | undefined
  for (let index = 0; index < count; index++) {
    const { run, next } = await sealRun(document, log, before, [messageDraft(`${name} ${index}`)], device)
    runs.push(run)
    before = next
  }
  return runs
}

const whole = (runs: readonly LogRun[]): LogRun => ({
  ...(runs[0] as LogRun),
  elements: runs.flatMap(({ elements }) => elements),
})

it("[C6] updates that continue one another join to the bytes of one", async () => {
  const [ann, bob] = [await runsOf("ann", 3), await runsOf("bob", 2)]
  const updates = [ann[0], bob[0], ann[1], bob[1], ann[2]].map((run) => encodeUpdate(run === undefined ? [] : [run]))
  expect(joinUpdates(updates)).toEqual(encodeUpdate([whole(ann), whole(bob)]))
  const holed = encodeUpdate([{ ...whole(ann), elements: whole(ann).elements.map((e, i) => (i === 1 ? null : e)) }])
  expect(joinUpdates([holed, encodeUpdate(bob.slice(0, 1))])).toEqual(
    encodeUpdate([
      ...bob.slice(0, 1),
      { ...whole(ann), elements: whole(ann).elements.map((e, i) => (i === 1 ? null : e)) },
    ]),
  )
})

it("[C3, C11] where one leaves a gap, repeats another or is no update, they stay apart", async () => {
  const [first, second, third] = (await runsOf("ann", 3)).map((run) => encodeUpdate([run])) as [
    Uint8Array,
    Uint8Array,
    Uint8Array,
  ]
  expect(joinUpdates([first, third])).toBeUndefined()
  expect(joinUpdates([first, second, second])).toBeUndefined()
  expect(joinUpdates([first, second.subarray(1)])).toBeUndefined()
})
