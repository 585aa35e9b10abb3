import { expect, it } from "vitest"
import { readContents } from "../log/contents.js"
import type { Draft } from "../log/draft.js"
import { tick } from "../log/clock.js"
import { encodeUpdate } from "../log/update.js"
import {
  anyControlId,
  anyDocument,
  controlDraft,
  controlIdOfDraft,
  deviceNamed,
  messageDraft,
  newConversation,
  TestLog,
} from "../log/scenario.js"
import type { ControlId } from "../protocol/entry.js"
import { hashBody } from "../protocol/entry.js"
import { eraseDraft, recordOfDraft } from "./erase-draft.js"
import { Superseded } from "./superseded.js"
import { writeAgain } from "./write-again.js"

const ann = await deviceNamed("ann")
const { control: document } = newConversation(ann)
const idOf = (draft: Draft): ControlId => controlIdOfDraft(ann.id, draft)
const control = (text: string, ...seen: ControlId[]): Draft => controlDraft(new Map([["test", text]]), seen)
const contentsOf = (...logs: TestLog[]) => readContents(logs.map(({ whole }) => encodeUpdate([whole])))

it("[R6] a control entry alone is refused: what is sealed behind it and on it, in any log, names what it had seen", async () => {
  const [first, second, third] = [1, 2, 3].map((session) => new TestLog(ann, document, session))
  if (!first || !second || !third) throw new TypeError("three logs")
  const refused = control("refused", anyControlId)
  const behind = control("behind it", anyControlId)
  const onIt = control("on it", idOf(refused), anyControlId)
  const onThat = control("on that", idOf(onIt))
  const free = control("free", anyControlId)
  await first.seal(control("before", anyControlId))
  await first.seal(refused)
  await first.seal(behind)
  await second.seal(free)
  await second.seal(onIt)
  await third.seal(onThat)
  const waiting = control("waits", idOf(onThat))
  const superseded = new Superseded()
  const again = await writeAgain(
    document,
    { contents: contentsOf(first, second, third), pending: [waiting] },
    { signer: ann, superseded },
    { log: first.id, from: 3, code: "ROLE_TOO_LOW" },
  )
  expect(again.refused).toEqual([refused])
  const [next1, next2, next3, next4, ...rest] = again.drafts.map(({ draft }) => draft)
  if (!next1 || !next2 || !next3 || !next4) throw new TypeError("four drafts")
  expect(rest).toEqual([])
  expect(next1).toEqual(behind)
  expect(next2).toEqual({ ...onIt, seen: [anyControlId] })
  expect(next3).toEqual({ ...onThat, seen: [idOf(next2)] })
  expect(next4).toEqual({ ...waiting, seen: [idOf(next3)] })
  expect(again.drafts.map(({ before }) => before)).toEqual([undefined, undefined, undefined, waiting])
  expect(again.kept.map(({ log, elements }) => [log, elements.length])).toEqual([
    [first.id, 3],
    [second.id, 3],
  ])
  superseded.add(again.superseded)
  expect(superseded.resolve([idOf(waiting)])).toEqual([idOf(next4)])
  expect(superseded.resolve([idOf(refused)])).toEqual([anyControlId])
})

it("[R6] what is refused in the middle of a run takes nothing with it but the seal", async () => {
  const log = new TestLog(ann, document)
  const [one, two, three] = [control("1", anyControlId), control("2", anyControlId), control("3", anyControlId)]
  await log.seal(one, two, three)
  // Its head, its body, and a position of the seal, which stands for the last.
  for (const [from, which] of [
    [2, two],
    [3, two],
    [6, three],
  ] as const) {
    const again = await writeAgain(
      document,
      { contents: contentsOf(log), pending: [] },
      { signer: ann, superseded: new Superseded() },
      { log: log.id, from, code: "NOT_MEMBER" },
    )
    expect(again.refused).toEqual([which])
    expect(again.drafts.map(({ draft }) => draft)).toEqual([one, two, three].filter((draft) => draft !== which))
    expect(again.kept).toEqual([])
  }
})

it("[R1] what is taken back without a code keeps its names", async () => {
  const log = new TestLog(ann, document)
  const one = control("1", anyControlId)
  const two = control("2", idOf(one))
  await log.seal(one)
  await log.seal(two)
  const again = await writeAgain(
    document,
    { contents: contentsOf(log), pending: [] },
    { signer: ann, superseded: new Superseded() },
    { log: log.id, from: 0, code: undefined },
  )
  expect([again.refused, again.superseded]).toEqual([[], []])
  expect(again.drafts.map(({ draft }) => draft)).toEqual([one, two])
})

it("[R6] what rests on what is taken back goes with it from any log, and stands behind it, though all names stay", async () => {
  const [first, second, third] = [1, 2, 3].map((session) => new TestLog(ann, document, session))
  if (!first || !second || !third) throw new TypeError("three logs")
  const one = control("1", anyControlId)
  const onIt = control("on it", idOf(one))
  const onThat = control("on that", idOf(onIt))
  const free = control("free", anyControlId)
  await first.seal(one)
  await second.seal(free)
  await second.seal(onThat)
  await third.seal(onIt)
  const again = await writeAgain(
    document,
    { contents: contentsOf(first, second, third), pending: [] },
    { signer: ann, superseded: new Superseded() },
    { log: first.id, from: 0, code: undefined },
  )
  expect(again.drafts.map(({ draft }) => draft)).toEqual([one, onIt, onThat])
  expect(again.kept.map(({ log, elements }) => [log, elements.length])).toEqual([[second.id, 3]])
  expect(again.superseded).toEqual([])
})

it("[R6] what names a draft that got another name already is written behind it, wherever both stood", async () => {
  const log = new TestLog(ann, document)
  const before = control("waits", anyControlId)
  const waiting = { ...before, clock: tick(before.clock, 0) }
  const onIt = control("on it", idOf(before))
  const onThat = control("on that", idOf(onIt))
  await log.seal(onIt, onThat)
  const superseded = new Superseded([[idOf(before), [idOf(waiting)]]])
  const contents = { contents: contentsOf(log), pending: [waiting] }
  const again = await writeAgain(document, contents, { signer: ann, superseded })
  const next = { ...onIt, seen: [idOf(waiting)] }
  expect(again.drafts).toEqual([
    { before: waiting, draft: waiting },
    { before: undefined, draft: next },
    { before: undefined, draft: { ...onThat, seen: [idOf(next)] } },
  ])
})

it("[R1] in a segment all from the refused position on is refused, and nothing else", async () => {
  const segment = anyDocument()
  const [log, other] = [new TestLog(ann, segment, 1), new TestLog(ann, segment, 2)]
  const [stays, gone, goneToo] = [messageDraft("stays"), messageDraft("gone"), messageDraft("gone too")]
  await log.seal(stays)
  await log.seal(gone)
  await log.seal(goneToo)
  await other.seal("another session's")
  const again = await writeAgain(
    segment,
    { contents: contentsOf(log, other), pending: [] },
    { signer: ann, superseded: new Superseded() },
    { log: log.id, from: 3, code: "PAST_CUT" },
  )
  expect(again.refused).toEqual([gone, goneToo])
  expect(again.drafts).toEqual([])
  expect(again.kept.map(({ elements }) => elements.length)).toEqual([3, 3])
})

it("[R6] messages keep their bodies, erasures are signed anew, and other devices' logs are left alone", async () => {
  const segment = anyDocument()
  const bob = await deviceNamed("bob")
  const nobodys = idOf(control("nobody takes it", anyControlId))
  const [log, bobs] = [new TestLog(ann, segment), new TestLog(bob, segment)]
  const message = messageDraft("on it", [nobodys])
  const target = { device: ann.id, bodyHash: hashBody(messageDraft("regretted").body), kind: "message" } as const
  const salt = new Uint8Array(12).fill(7)
  const erasure = await eraseDraft(segment, target, { signer: ann, clock: message.clock, seen: [nobodys], salt })
  await log.seal("before")
  await log.seal(message, erasure)
  await bobs.seal(messageDraft("bob's", [nobodys]))
  const superseded = new Superseded([[nobodys, [anyControlId]]])
  const again = await writeAgain(segment, { contents: contentsOf(log, bobs), pending: [] }, { signer: ann, superseded })
  expect(again.kept.map(({ elements }) => elements.length)).toEqual([3, 3])
  const expected = await eraseDraft(segment, target, { signer: ann, clock: message.clock, seen: [anyControlId], salt })
  expect(again.drafts.map(({ draft }) => draft)).toEqual([{ ...message, seen: [anyControlId] }, expected])
  expect(recordOfDraft(expected)?.seen).toEqual([anyControlId])
  expect(again.superseded).toEqual([])
})
