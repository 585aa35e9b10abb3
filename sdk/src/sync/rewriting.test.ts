import { expect, it } from "vitest"
import { manualEnv } from "../../../test/support/manual-env.js"
import { anyDocument, deviceNamed, TestLog } from "../log/scenario.js"
import type { DocumentName } from "../protocol/names.js"
import { Rewriting, type RefusedLog, type RefusedLogs } from "./rewriting.js"

const ann = await deviceNamed("ann")
const document = anyDocument()
const [first, second] = [new TestLog(ann, document, 1).id, new TestLog(ann, document, 2).id]
const fork: RefusedLog = { code: "FORK", at: 0 }
const badSeal: RefusedLog = { code: "BAD_SEAL", at: 3 }

function begun() {
  const env = manualEnv()
  const written: [DocumentName, RefusedLogs][] = []
  const rewriting = new Rewriting(env, (name, logs) => written.push([name, logs]))
  return { env, written, rewriting }
}

it("[R1] a document is written again at once, and from then on after a wait that doubles up to a minute", () => {
  const { env, written, rewriting } = begun()
  expect(rewriting.isNow(document, new Map([[first, fork]]), 60_000)).toBe(true)
  for (const ms of [500, 1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000]) {
    expect(rewriting.isNow(document, new Map([[first, fork]]), 0)).toBe(false)
    env.advance(ms - 1)
    expect([written.length, rewriting.isIdle]).toEqual([0, false])
    env.advance(1)
    expect([written.splice(0).length, rewriting.isIdle]).toEqual([1, true])
  }
})

it("[R1] what is refused meanwhile is written again with it, by what was last said of each log", () => {
  const { env, written, rewriting } = begun()
  rewriting.isNow(document, new Map([[first, fork]]), 0)
  rewriting.isNow(document, new Map([[first, badSeal]]), 3_000)
  rewriting.isNow(
    document,
    new Map([
      [first, fork],
      [second, badSeal],
    ]),
    0,
  )
  env.advance(2_999)
  expect(written).toEqual([])
  env.advance(1)
  const logs = new Map([
    [first, fork],
    [second, badSeal],
  ])
  expect(written).toEqual([[document, logs]])
})

it("[R1] one document does not wait for another, and nothing is written when the connection is over", () => {
  const { env, written, rewriting } = begun()
  rewriting.isNow(document, new Map([[first, fork]]), 0)
  rewriting.isNow(document, new Map([[first, fork]]), 0)
  expect(rewriting.isNow(`${document}0` as DocumentName, new Map([[first, fork]]), 0)).toBe(true)
  rewriting.end()
  env.advance(60_000)
  expect(written).toEqual([])
})
