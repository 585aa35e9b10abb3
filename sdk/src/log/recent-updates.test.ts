import { expect, it } from "vitest"
import type { DocumentName } from "../protocol/names.js"
import { RecentUpdates } from "./recent-updates.js"
import { deviceNamed, TestLog } from "./scenario.js"
import { encodeUpdate, type LogRun } from "./update.js"

const document = "c/AAAAAAAAAAAAAAAAAAAAAAAA/1" as DocumentName

const logOf = (...texts: string[]): Promise<TestLog> => logBy("ann", ...texts)

async function logBy(device: string, ...texts: string[]): Promise<TestLog> {
  const log = new TestLog(await deviceNamed(device), document)
  for (const text of texts) await log.seal(text)
  return log
}

const part = (run: LogRun, from: number, end: number): LogRun => ({
  ...run,
  from,
  elements: run.elements.slice(from, end),
})

it("holds what was accepted last, joined, and says so of nothing else", async () => {
  const { whole } = await logOf("one", "two", "three")
  const recent = new RecentUpdates()
  const covering = (from: number, end: number): LogRun | undefined =>
    recent.reader()(whole.log, whole.client, from, end)
  expect(covering(0, 3)).toBeUndefined()
  recent.add(encodeUpdate([part(whole, 3, 6)]))
  recent.add(encodeUpdate([part(whole, 6, 9)]))
  expect(covering(4, 9)).toEqual(part(whole, 3, 9))
  expect([covering(2, 6), covering(6, 10)]).toEqual([undefined, undefined])
  expect(recent.reader()(whole.log, whole.client + 1, 4, 9)).toBeUndefined()
  recent.clear()
  expect(covering(4, 9)).toBeUndefined()
})

it("holds a bounded number of bytes", async () => {
  const { whole } = await logOf("first", "x".repeat(10_000), "y".repeat(10_000), "z".repeat(20_000))
  const recent = new RecentUpdates()
  const covering = (from: number, end: number): LogRun | undefined =>
    recent.reader()(whole.log, whole.client, from, end)
  for (const from of [0, 3, 6]) recent.add(encodeUpdate([part(whole, from, from + 3)]))
  expect([covering(0, 3), covering(3, 6), covering(6, 9)?.elements.length]).toEqual([undefined, undefined, 3])
  recent.add(encodeUpdate([part(whole, 9, 12)]))
  expect(covering(6, 9)).toBeUndefined()
})

it("decodes what it holds once for an update, however many logs that overlaps", async () => {
  const logs = [await logBy("ann", "one"), await logBy("bob", "two")].map(({ whole }) => whole)
  const recent = new RecentUpdates()
  recent.add(encodeUpdate(logs))
  const covering = recent.reader()
  const read = (): unknown[] => logs.flatMap(({ log, client }) => covering(log, client, 0, 3)?.elements ?? [])
  const first = read()
  expect(first.length).toBe(6)
  for (const [index, element] of read().entries()) expect(element).toBe(first[index])
})
