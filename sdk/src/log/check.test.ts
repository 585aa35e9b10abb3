import * as fc from "fast-check"
import { describe, expect, it } from "vitest"
import * as encoding from "lib0/encoding"
import * as Y from "yjs"
import { concat, equalBytes } from "../protocol/bytes.js"
import { encodeBody, hashBody, KIND_SEAL, messageIdOf } from "../protocol/entry.js"
import { MAX_BODY_BYTES, MAX_UPDATE_PARTS } from "../protocol/limits.js"
import type { RefusalCode } from "../protocol/codes.js"
import type { DocumentName } from "../protocol/names.js"
import { acceptedUpdate, advanceSummary, check, type CheckContext, type LogVerdict } from "./check.js"
import { recordIdOf } from "./erasure.js"
import {
  anyControlId,
  anyDocument,
  controlDraft,
  controlIdOfDraft,
  deviceNamed,
  draftWith,
  eraseDraft,
  freshSalt,
  messageDraft,
  newConversation,
  recordBy,
  TestLog,
  trusting,
} from "./scenario.js"
import { digestOf } from "./summary.js"
import { decodeUpdate, encodeUpdate, strangerBounds, type Element, type LogRun } from "./update.js"

const document = anyDocument()
const ann = await deviceNamed("ann")
const bob = await deviceNamed("bob")

async function verdictOf(update: Uint8Array, context: CheckContext = trusting(document)): Promise<LogVerdict> {
  const [verdict] = (await check(update, context)) ?? []
  if (verdict === undefined) throw new Error("no verdict")
  return verdict
}

/** How many elements pass, and why not the rest. */
async function outcome(
  update: Uint8Array,
  context?: CheckContext,
): Promise<readonly [count: number, code: RefusalCode | undefined]> {
  const { run, refusal } = await verdictOf(update, context)
  return [run?.elements.length ?? 0, refusal?.code]
}

function withElements(run: LogRun, change: (elements: Element[]) => void): Uint8Array {
  const elements = run.elements.slice()
  change(elements)
  return encodeUpdate([{ ...run, elements }])
}

function put(bytes: Uint8Array, at: number, value: number): Uint8Array {
  const changed = bytes.slice()
  changed[at] = value
  return changed
}

function flip(bytes: Uint8Array, at: number): Uint8Array {
  return put(bytes, at, (bytes[at] ?? 0) ^ 1)
}

/** A replica that holds these runs, as far as the check took them. */
async function holding(name: DocumentName, ...runs: LogRun[]): Promise<CheckContext> {
  const byLog = new Map(runs.map((run) => [run.log, run]))
  const context = trusting(name, { held: async (log) => byLog.get(log) })
  const verdicts = await check(encodeUpdate(runs), context)
  advanceSummary(context.summary, verdicts ?? [])
  return context
}

async function twoRuns(device = ann, session = 1): Promise<TestLog> {
  const log = new TestLog(device, document, session)
  await log.seal("one", "two")
  await log.seal("three")
  return log
}

describe("what passes", () => {
  it("[C7] sealed runs pass; what follows the last seal does not", async () => {
    const log = await twoRuns()
    const { run, next, entries, refusal } = await verdictOf(encodeUpdate([log.whole]))
    expect(run?.elements.length).toBe(8)
    expect(next).toEqual(log.summary)
    expect(entries.map(({ position }) => position)).toEqual([0, 2, 5])
    expect(refusal).toBeUndefined()
    expect(await outcome(withElements(log.whole, (elements) => elements.splice(7)))).toEqual([5, "UNSEALED"])
  })

  it("[C3, C7] an update cut anywhere gives the same prefixes, and the rest may follow", async () => {
    const log = await twoRuns()
    for (let end = 1; end <= 8; end++) {
      const part = { ...log.whole, elements: log.whole.elements.slice(0, end) }
      const { run, next } = await verdictOf(encodeUpdate([part]))
      const kept = end === 8 ? 8 : end >= 5 ? 5 : 0
      expect(run?.elements.length ?? 0).toBe(kept)
      if (run === undefined || next === undefined) continue
      const context = trusting(document, { held: async () => run })
      context.summary.logs.set(next.client, next)
      for (let from = 0; from <= Math.min(kept, 7); from++) {
        const rest = { ...log.whole, from, elements: log.whole.elements.slice(from) }
        expect(await outcome(encodeUpdate([rest]), context)).toEqual([8 - kept, undefined])
      }
    }
  })

  it("[C6] what passes is written in canonical bytes, however it came", async () => {
    const log = await twoRuns()
    const doc = new Y.Doc()
    const split = [
      encodeUpdate([{ ...log.whole, elements: log.whole.elements.slice(0, 3) }]),
      encodeUpdate([{ ...log.whole, from: 3, elements: log.whole.elements.slice(3) }]),
    ]
    const verdicts = await check(Y.mergeUpdates(split), trusting(document))
    const canonical = acceptedUpdate(verdicts ?? [])
    expect(canonical).toEqual(encodeUpdate([log.whole]))
    Y.applyUpdate(doc, canonical!)
    expect(Y.encodeStateAsUpdate(doc)).toEqual(canonical)
    expect(acceptedUpdate([])).toBeUndefined()
  })

  it("[C11] one bad log never blocks the others", async () => {
    const [good, bad] = [await twoRuns(), await twoRuns(bob)]
    bad.whole = {
      ...bad.whole,
      elements: bad.whole.elements.map((element) => element?.map((byte) => byte ^ 1) ?? null),
    }
    const verdicts = (await check(encodeUpdate([good.whole, bad.whole]), trusting(document))) ?? []
    const byLog = new Map(verdicts.map((verdict) => [verdict.log, verdict]))
    expect(byLog.get(good.id)?.run?.elements.length).toBe(8)
    expect(byLog.get(bad.id)).toMatchObject({ run: undefined, refusal: { code: "BAD_GRAMMAR", at: 0 } })
  })

  it("[D1] summaries that took the same updates, in whatever order, have one digest", async () => {
    const logs = [await twoRuns(), await twoRuns(bob), await twoRuns(ann, 2)]
    const digests = new Set<string>()
    for (const order of [
      [0, 1, 2],
      [2, 1, 0],
      [1, 0, 2],
    ]) {
      const context = trusting(document)
      for (const index of order) {
        advanceSummary(context.summary, (await check(encodeUpdate([logs[index]!.whole]), context)) ?? [])
      }
      digests.add(digestOf(context.summary).join())
      expect(context.summary.messages).toBe(9)
    }
    expect(digests.size).toBe(1)
  })
})

describe("form", () => {
  it("[C1] bytes that are not one whole V1 update are none", async () => {
    const log = await twoRuns()
    const update = encodeUpdate([log.whole])
    const doc = new Y.Doc()
    Y.applyUpdate(doc, update)
    const bad = [
      Uint8Array.of(),
      concat([update, Uint8Array.of(0)]),
      Y.encodeStateAsUpdateV2(doc),
      // the same client twice
      concat([Uint8Array.of(2), update.subarray(1, -1), update.subarray(1)]),
      // 0 clients, spelled in two bytes
      Uint8Array.of(0x80, 0, 0),
      // more structs than any update has
      concat([Uint8Array.of(1), new Uint8Array(7).fill(255), Uint8Array.of(15, 1, 0)]),
      // a number whose spelling is so long that lib0 reads NaN
      concat([Uint8Array.of(1), new Uint8Array(200).fill(128), Uint8Array.of(0, 1, 0, 0)]),
    ]
    for (const bytes of bad) expect(await check(bytes, trusting(document))).toBeUndefined()
  })

  it("[C1, C7] no bytes make it throw, and no truncation makes it take what was not sealed", async () => {
    const log = await twoRuns()
    const update = encodeUpdate([log.whole])
    for (let end = 0; end < update.length; end++) {
      expect(await check(update.subarray(0, end), trusting(document))).toBeUndefined()
    }
    await fc.assert(
      fc.asyncProperty(fc.nat(update.length - 1), fc.nat(255), async (at, byte) => {
        const changed = update.slice()
        changed[at] = byte
        for (const { run } of (await check(changed, trusting(document))) ?? []) {
          run?.elements.forEach((element, index) => {
            expect(element).toEqual(log.whole.elements[index])
          })
        }
      }),
      { numRuns: 300 },
    )
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 200 }), async (bytes) => {
        await check(bytes, trusting(document))
      }),
    )
  })

  it("[C2] a log stands in its own root under its own client id, and in its own document", async () => {
    const log = await twoRuns()
    const item = (root: string, client: number): Uint8Array => {
      const doc = new Y.Doc()
      doc.clientID = client
      doc.getArray(root).push([1])
      return Y.encodeStateAsUpdate(doc)
    }
    expect(await outcome(encodeUpdate([{ ...log.whole, log: "__proto__" as LogRun["log"] }]))).toEqual([
      0,
      "FOREIGN_ROOT",
    ])
    expect(await outcome(encodeUpdate([{ ...log.whole, client: 7 }]))).toEqual([0, "CLIENT_ID_MISMATCH"])
    expect(await outcome(encodeUpdate([log.whole]), trusting(anyDocument(2)))).toEqual([0, "CLIENT_ID_MISMATCH"])
    expect(await outcome(item("chat", 7))).toEqual([0, "UNKNOWN_CONTENT"])
  })

  it("[C2] items go nowhere but behind the one before", async () => {
    const log = await twoRuns()
    const doc = new Y.Doc()
    Y.applyUpdate(doc, encodeUpdate([log.whole]))
    const context = await holding(document, log.whole)
    const foreign = (change: (array: Y.Array<unknown>) => void): Uint8Array => {
      const other = new Y.Doc()
      Y.applyUpdate(other, Y.encodeStateAsUpdate(doc))
      const before = Y.encodeStateVector(other)
      other.clientID = log.client
      change(other.getArray(log.id))
      return Y.encodeStateAsUpdate(other, before)
    }
    expect(
      await outcome(
        foreign((array) => {
          array.insert(0, ["x"])
        }),
        context,
      ),
    ).toEqual([0, "FOREIGN_ORIGIN"])
    expect(
      await outcome(
        foreign((array) => {
          array.insert(3, ["x"])
        }),
        context,
      ),
    ).toEqual([0, "FOREIGN_ORIGIN"])
    expect(
      await outcome(
        foreign((array) => {
          array.push(["x"])
        }),
        context,
      ),
    ).toEqual([0, "UNKNOWN_CONTENT"])
    const map = foreign((array) => {
      array.doc?.getMap(log.id + "x").set("__proto__", 1)
    })
    expect(await outcome(map, context)).toEqual([0, "FOREIGN_ORIGIN"])
  })

  it("[C3] a start beyond what is held is a gap, and so is what follows a skip", async () => {
    const log = await twoRuns()
    const late = { ...log.whole, from: 5, elements: log.whole.elements.slice(5) }
    expect(await outcome(encodeUpdate([late]))).toEqual([0, "GAP"])
    const early = { ...log.whole, elements: log.whole.elements.slice(0, 5) }
    const end = { ...log.whole, from: 6, elements: log.whole.elements.slice(6) }
    expect(await outcome(Y.mergeUpdates([encodeUpdate([early]), encodeUpdate([end])]))).toEqual([5, undefined])
  })

  it("[C4] other content than byte arrays ends the log", async () => {
    const log = await twoRuns()
    const contents: ((array: Y.Array<unknown>) => void)[] = [
      (array) => {
        array.push([new Y.Map()])
      },
      (array) => {
        array.push([new Y.Text("x")])
      },
      (array) => {
        array.push([new Uint8Array(64)])
      },
      (array) => {
        array.push([{ ["__proto__"]: 1 }])
      },
      (array) => {
        array.push([new Y.Doc()])
      },
      (array) => {
        array.push([[[[[[[[[[[1]]]]]]]]]]])
      },
    ]
    for (const change of contents) {
      const doc = new Y.Doc()
      Y.applyUpdate(doc, encodeUpdate([log.whole]))
      doc.clientID = log.client
      change(doc.getArray(log.id))
      const verdicts = await check(Y.encodeStateAsUpdate(doc), trusting(document))
      // Nested too deeply for any content: the whole update is refused.
      if (verdicts !== undefined)
        expect(verdicts[0]).toMatchObject({
          run: { elements: { length: 8 } },
          refusal: { code: "UNKNOWN_CONTENT", at: 8 },
        })
    }
  })

  it("[C4] elements too short for any kind, and items without elements, are refused before they cost memory", async () => {
    const log = await twoRuns()
    const tiny = { ...log.whole, elements: Array.from({ length: 1000 }, () => new Uint8Array(0)) }
    expect(await outcome(encodeUpdate([tiny]))).toEqual([0, "BAD_GRAMMAR"])
    // One more struct, of no elements, behind the last.
    const first = encodeUpdate([{ ...log.whole, elements: log.whole.elements.slice(0, 5) }])
    expect(first[1]).toBe(1)
    const changed = concat([Uint8Array.of(1, 2), first.subarray(2, -1), originOf(log.whole, 4), Uint8Array.of(0, 0)])
    expect(await outcome(changed)).toEqual([5, "BAD_GRAMMAR"])
  })

  it("[C4] a collected struct ends the log", async () => {
    const log = await twoRuns()
    const first = encodeUpdate([{ ...log.whole, elements: log.whole.elements.slice(0, 5) }])
    const changed = concat([Uint8Array.of(1, 2), first.subarray(2, -1), Uint8Array.of(0, 3, 0)])
    expect(await outcome(changed)).toEqual([5, "UNKNOWN_CONTENT"])
  })

  it("[C5] a wire delete set deletes nothing", async () => {
    const log = await twoRuns()
    const doc = new Y.Doc({ gc: false })
    Y.applyUpdate(doc, encodeUpdate([log.whole]))
    doc.getArray(log.id).delete(0, 8)
    const { run } = await verdictOf(Y.encodeStateAsUpdate(doc))
    expect(run?.elements).toEqual(log.whole.elements)
  })

  it("[C12] a body and a run are bounded", async () => {
    const long = new TestLog(ann, document)
    await long.seal(draftWith("message", new Uint8Array(MAX_BODY_BYTES + 1).fill(2), [anyControlId]))
    expect(await outcome(encodeUpdate([long.whole]))).toEqual([0, "BODY_TOO_LARGE"])
    const wide = new TestLog(ann, document)
    const part = (): ReturnType<typeof draftWith> =>
      draftWith("message", concat([Uint8Array.of(2), freshSalt(), new Uint8Array(60_000)]), [anyControlId])
    await wide.seal("first")
    await wide.seal(part(), part(), part(), part(), part())
    expect(await outcome(encodeUpdate([wide.whole]))).toEqual([3, "RUN_TOO_LONG"])
  })
})

describe("heads and bodies", () => {
  it("[E1] a head of another version or length, or a first message that saw nothing, is refused", async () => {
    const log = await twoRuns()
    const heads: ((head: Uint8Array) => Uint8Array)[] = [
      (head) => put(head, 1, 0x21),
      (head) => put(head, 1, 0x15),
      (head) => concat([head, Uint8Array.of(0)]),
      (head) => put(head.subarray(0, 34), 33, 0),
      (head) => put(head, 2, 255),
    ]
    for (const change of heads) {
      const update = withElements(log.whole, (elements) => (elements[0] = change(elements[0]!)))
      expect(await outcome(update)).toEqual([0, "BAD_GRAMMAR"])
    }
  })

  it("[E] heads, bodies and seals stand in their order only", async () => {
    const log = await twoRuns()
    const orders: ((elements: Element[]) => void)[] = [
      (elements) => elements.unshift(elements[4]!),
      (elements) => elements.splice(1, 1),
      (elements) => elements.splice(0, 1),
      (elements) => elements.splice(2, 0, elements[1]!),
      (elements) => elements.splice(5, 0, elements[4]!),
    ]
    for (const change of orders) {
      const [count, code] = await outcome(withElements(log.whole, change))
      expect(count === 0 || count === 5).toBe(true)
      expect(["BAD_GRAMMAR", "BODY_MISMATCH"]).toContain(code)
    }
  })

  it("[C9] a body belongs to its head", async () => {
    const log = await twoRuns()
    const swapped = withElements(log.whole, (elements) => ([elements[1], elements[3]] = [elements[3]!, elements[1]!]))
    expect(await outcome(swapped)).toEqual([0, "BODY_MISMATCH"])
  })

  it("[C10] messages and reactions stand in segments, control entries in the control document", async () => {
    const { control, create } = newConversation(ann)
    for (const draft of [messageDraft("x"), { ...messageDraft("x"), class: "reaction" as const }]) {
      const inControl = new TestLog(ann, control)
      await inControl.seal(draft)
      expect(await outcome(encodeUpdate([inControl.whole]), trusting(control))).toEqual([0, "WRONG_CLASS"])
    }
    const inSegment = new TestLog(ann, document)
    await inSegment.seal(create)
    expect(await outcome(encodeUpdate([inSegment.whole]))).toEqual([0, "WRONG_CLASS"])
  })

  it("[N2] a create entry creates its own conversation and none other", async () => {
    const { control, create } = newConversation(ann)
    const copied = new TestLog(bob, control)
    await copied.seal(create)
    expect(await outcome(encodeUpdate([copied.whole]), trusting(control))).toEqual([0, "CREATE_MISMATCH"])
    const own = new TestLog(ann, control)
    await own.seal(create)
    expect(await outcome(encodeUpdate([own.whole]), trusting(control))).toEqual([3, undefined])
  })

  it("what authority says of an entry ends its log there", async () => {
    const log = await twoRuns()
    const context = trusting(document, { admit: ({ position }) => (position === 5 ? "NOT_MEMBER" : undefined) })
    expect(await outcome(encodeUpdate([log.whole]), context)).toEqual([5, "NOT_MEMBER"])
    expect(await outcome(encodeUpdate([log.whole]), trusting(document, { cutOf: () => 7 }))).toEqual([5, "PAST_CUT"])
  })
})

describe("control entries that name one another", () => {
  it("[C10] under one seal, and across logs in any order", async () => {
    const { control, create } = newConversation(ann)
    const [first, second] = [new TestLog(ann, control), new TestLog(bob, control)]
    const created = controlIdOfDraft(ann.id, create)
    const next = controlDraft("next", [created])
    await first.seal(create, next)
    const answer = controlDraft("answer", [controlIdOfDraft(ann.id, next)])
    await second.seal(answer)
    await first.seal(controlDraft("last", [controlIdOfDraft(bob.id, answer)]))
    for (const runs of [
      [first.whole, second.whole],
      [second.whole, first.whole],
    ]) {
      const verdicts = (await check(encodeUpdate(runs), trusting(control))) ?? []
      expect(verdicts.map(({ refusal }) => refusal)).toEqual([undefined, undefined])
      expect(verdicts.flatMap(({ entries }) => entries).length).toBe(4)
    }
    const alone = await verdictOf(encodeUpdate([second.whole]), trusting(control))
    expect(alone.refusal).toEqual({ code: "CONTROL_UNKNOWN", at: 0 })
  })

  it("[C10] several logs may wait for one entry", async () => {
    const { control, create } = newConversation(ann)
    const first = new TestLog(ann, control)
    await first.seal(create)
    const created = controlIdOfDraft(ann.id, create)
    const others = [1, 2, 3].map((session) => new TestLog(bob, control, session))
    for (const [index, log] of others.entries()) await log.seal(controlDraft(index, [created]))
    const runs = [...others.map(({ whole }) => whole), first.whole]
    const verdicts = (await check(encodeUpdate(runs), trusting(control))) ?? []
    expect(verdicts.map(({ refusal, entries }) => [refusal, entries.length])).toEqual(runs.map(() => [undefined, 1]))
  })

  it("[C10] a bad seal keeps those out that rest on it", async () => {
    const { control, create } = newConversation(ann)
    const [first, second] = [new TestLog(ann, control), new TestLog(bob, control)]
    await first.seal(create)
    await second.seal(controlDraft("x", [controlIdOfDraft(ann.id, create)]))
    const broken = {
      ...first.whole,
      elements: first.whole.elements.map((e) => (e?.[0] === KIND_SEAL ? flip(e, 5) : e)),
    }
    const verdicts = (await check(encodeUpdate([broken, second.whole]), trusting(control))) ?? []
    expect(verdicts.map(({ refusal }) => refusal?.code).sort()).toEqual(["BAD_SEAL", "CONTROL_UNKNOWN"])
    expect(acceptedUpdate(verdicts)).toBeUndefined()
  })

  it("a chain through hundreds of logs costs each entry one walk", async () => {
    const { control, create } = newConversation(ann)
    const first = new TestLog(ann, control)
    await first.seal(create)
    const runs = [first.whole]
    let last = controlIdOfDraft(ann.id, create)
    for (let session = 1; session <= 500; session++) {
      const log = new TestLog(bob, control, session)
      const draft = controlDraft(session, [last])
      await log.seal(draft)
      runs.push(log.whole)
      last = controlIdOfDraft(bob.id, draft)
    }
    let asked = 0
    const admitted = new Set<string>()
    const context = trusting(control, {
      knowsControl: () => (asked++, false),
      verify: () => true,
      admit: ({ log, position }) => {
        const place = `${log} ${String(position)}`
        expect(admitted.has(place)).toBe(false)
        admitted.add(place)
        return undefined
      },
    })
    const verdicts = (await check(encodeUpdate(runs), context)) ?? []
    expect(verdicts.filter(({ refusal }) => refusal !== undefined)).toEqual([])
    expect(admitted.size).toBe(501)
    expect(asked).toBeLessThan(2_000)
  })
})

describe("seals", () => {
  it("[C7] every seal is verified, and a bad one ends the log", async () => {
    const log = await twoRuns()
    const broken = withElements(log.whole, (elements) => (elements[4] = flip(elements[4]!, 9)))
    expect(await outcome(broken)).toEqual([0, "BAD_SEAL"])
    const later = withElements(log.whole, (elements) => (elements[7] = flip(elements[7]!, 9)))
    expect(await outcome(later)).toEqual([5, "BAD_SEAL"])
    const middle = new TestLog(ann, document)
    for (let index = 0; index < 40; index++) await middle.seal(`text ${String(index)}`)
    let verified = 0
    const context = trusting(document, { verify: () => ++verified !== 20 })
    expect(await outcome(encodeUpdate([middle.whole]), context)).toEqual([19 * 3, "BAD_SEAL"])
    expect(verified).toBeLessThan(40)
  })

  it("[E7] the first seal brings the device's key, and no other does", async () => {
    const log = await twoRuns()
    const keyless = withElements(log.whole, (elements) => (elements[4] = elements[4]!.slice(0, 65)))
    expect(await outcome(keyless)).toEqual([0, "BAD_GRAMMAR"])
    const again = withElements(log.whole, (elements) => (elements[7] = concat([elements[7]!, ann.publicKey])))
    expect(await outcome(again)).toEqual([5, "BAD_GRAMMAR"])
    const other = withElements(
      log.whole,
      (elements) => (elements[4] = concat([elements[4]!.subarray(0, 65), bob.publicKey])),
    )
    expect(await outcome(other)).toEqual([0, "BAD_SEAL"])
    expect(await outcome(encodeUpdate([log.whole]), trusting(document, { refusesKey: () => true }))).toEqual([
      0,
      "KEY_REFUSED",
    ])
  })
})

describe("what is held already", () => {
  it("[C8] a head or seal that differs is a fork; holes are none", async () => {
    const log = await twoRuns()
    const context = await holding(document, log.whole)
    const other = await twoRuns()
    expect(other.id).toBe(log.id)
    expect(await outcome(encodeUpdate([other.whole]), context)).toEqual([0, "FORK"])
    const noSeal = withElements(log.whole, (elements) => (elements[4] = null))
    expect(await outcome(noSeal, context)).toEqual([0, "FORK"])
    const hole = withElements(log.whole, (elements) => (elements[1] = null))
    expect(await outcome(hole, context)).toEqual([0, undefined])
  })

  it("[C3] nothing is asked of the store where an update overlaps nothing, or says nothing", async () => {
    const log = await twoRuns()
    const context = await holding(document, log.whole)
    const strict = { ...context, held: () => Promise.reject(new Error("asked")) }
    await log.seal("four")
    const rest = { ...log.whole, from: 8, elements: log.whole.elements.slice(8) }
    expect(await outcome(encodeUpdate([rest]), strict)).toEqual([3, undefined])
  })

  it("[C13] of two logs with one client id the later is refused", async () => {
    const [log, other] = [await twoRuns(), await twoRuns(bob)]
    const context = trusting(document)
    context.summary.logs.set(log.client, { ...other.summary!, client: log.client })
    expect(await outcome(encodeUpdate([log.whole]), context)).toEqual([0, "CLIENT_ID_TAKEN"])
  })
})

describe("erasure", () => {
  it("[C9] a hole needs a record that names it", async () => {
    const log = await twoRuns()
    const erased = messageIdOf(ann.id, hashBody(log.whole.elements[3]!))
    const hole = withElements(log.whole, (elements) => (elements[3] = null))
    expect(await outcome(hole)).toEqual([0, "DELETED_UNNAMED"])
    expect(await outcome(hole, trusting(document, { isErased: (message) => message === erased }))).toEqual([
      8,
      undefined,
    ])
  })

  it("[C9] an update that brings the erasure brings the record too, also behind the hole in the same log", async () => {
    const log = new TestLog(ann, document)
    const draft = messageDraft("gone")
    await log.seal(draft)
    const record = await recordBy(ann, document, ann.id, draft.body)
    await log.seal(eraseDraft(record))
    const hole = withElements(log.whole, (elements) => (elements[1] = null))
    const { run, records, refusal } = await verdictOf(hole)
    expect([run?.elements.length, refusal]).toEqual([6, undefined])
    expect(new Set(records.map(recordIdOf))).toEqual(new Set([recordIdOf(record)]))
    expect(await outcome(hole, trusting(document, { admitRecord: () => "ROLE_TOO_LOW" }))).toEqual([
      0,
      "DELETED_UNNAMED",
    ])
    const forged = { ...record, signature: flip(record.signature, 3) }
    const liar = new TestLog(ann, document)
    await liar.seal(draft)
    await liar.seal(eraseDraft(forged))
    expect(await outcome(withElements(liar.whole, (elements) => (elements[1] = null)))).toEqual([0, "DELETED_UNNAMED"])
  })

  it("[C9] the bodies of erasures, reactions and control entries are never holes", async () => {
    const reacted = new TestLog(ann, document)
    await reacted.seal({ ...messageDraft("none"), class: "reaction" })
    const unsaid = withElements(reacted.whole, (elements) => (elements[1] = null))
    expect(await outcome(unsaid, trusting(document, { isErased: () => true }))).toEqual([0, "DELETED_UNNAMED"])
    const log = new TestLog(ann, document)
    const draft = messageDraft("gone")
    await log.seal(draft, eraseDraft(await recordBy(ann, document, ann.id, draft.body)))
    const hole = withElements(log.whole, (elements) => (elements[3] = null))
    expect(await outcome(hole, trusting(document, { isErased: () => true }))).toEqual([0, "DELETED_UNNAMED"])
    const { control, create } = newConversation(ann)
    const created = new TestLog(ann, control)
    await created.seal(create)
    const empty = withElements(created.whole, (elements) => (elements[1] = null))
    expect(await outcome(empty, trusting(control, { isErased: () => true }))).toEqual([0, "DELETED_UNNAMED"])
  })

  it("[X1] an erasure is of its own device, signed, and written in one way", async () => {
    const draft = messageDraft("gone")
    const cases: [RefusalCode, Parameters<typeof eraseDraft>[0]][] = [
      ["MALFORMED", await recordBy(bob, document, ann.id, draft.body)],
      ["BAD_SEAL", await recordBy(ann, anyDocument(9), ann.id, draft.body)],
    ]
    for (const [code, record] of cases) {
      const log = new TestLog(ann, document)
      await log.seal(eraseDraft(record))
      expect(await outcome(encodeUpdate([log.whole]))).toEqual([0, code])
    }
    const garbage = new TestLog(ann, document)
    await garbage.seal(draftWith("erase", encodeBody(freshSalt(), "no record"), [anyControlId]))
    expect(await outcome(encodeUpdate([garbage.whole]))).toEqual([0, "MALFORMED"])
  })
})

/** The place of a struct behind this position of a log, as Yjs writes it: its kind and origin. */
function originOf(run: LogRun, position: number): Uint8Array {
  const next = encodeUpdate([{ ...run, from: position + 1, elements: [new Uint8Array(20)] }])
  // clients, structs, client id, clock, then the struct up to its count
  const end = next.findIndex((_, at) => equalBytes(next.subarray(at, at + 3), Uint8Array.of(1, 116, 20)))
  const start = next.indexOf(0x88)
  return next.subarray(start, end)
}

it("[C1] an update of more items, values and deleted ranges than one may hold is MALFORMED, however small they are", () => {
  const blocks = (values: number, ranges: number): Uint8Array =>
    encoding.encode((encoder) => {
      encoding.writeVarUint(encoder, 1)
      encoding.writeVarUint(encoder, 1)
      encoding.writeVarUint(encoder, 7)
      encoding.writeVarUint(encoder, 0)
      encoding.writeUint8(encoder, 8)
      encoding.writeVarUint(encoder, 1)
      encoding.writeVarString(encoder, "root")
      encoding.writeVarUint(encoder, values)
      encoding.writeUint8Array(encoder, new Uint8Array(values).fill(126))
      encoding.writeVarUint(encoder, 1)
      encoding.writeVarUint(encoder, 7)
      encoding.writeVarUint(encoder, ranges)
      for (let range = 0; range < ranges; range++) encoding.writeUint8Array(encoder, Uint8Array.of(range % 100, 1))
    })
  // One item, and one client of the delete set.
  const most = MAX_UPDATE_PARTS - 2
  expect(decodeUpdate(blocks(most, 0), strangerBounds)?.length).toBe(1)
  expect(decodeUpdate(blocks(most - 9, 9), strangerBounds)?.length).toBe(1)
  expect(decodeUpdate(blocks(most + 1, 0), strangerBounds)).toBeUndefined()
  expect(decodeUpdate(blocks(most - 9, 10), strangerBounds)).toBeUndefined()
  expect(decodeUpdate(blocks(most + 1, 0))?.length).toBe(1)
})

it("[C7] the check of many logs gives way whenever it is asked to, and verifies one seal at most between two questions", async () => {
  const logs = await Promise.all(
    Array.from({ length: 40 }, async (_, index) => await new TestLog(ann, document, 1000 + index).seal("x")),
  )
  let turn: Promise<void> | undefined
  let room = 0
  let turns = 0
  let most = 0
  let verified = 0
  const context = trusting(document, {
    verify: () => {
      verified++
      room--
      return true
    },
    breathe: () => {
      if (room > 0) return undefined
      turn ??= new Promise((resolve) =>
        setTimeout(() => {
          most = Math.max(most, verified)
          verified = 0
          room = 3
          turns++
          turn = undefined
          resolve()
        }, 0),
      )
      return turn
    },
  })
  const verdicts = await check(encodeUpdate(logs), context)
  expect(verdicts?.every(({ refusal }) => refusal === undefined)).toBe(true)
  expect(most).toBeLessThanOrEqual(3)
  expect(turns).toBeGreaterThanOrEqual(13)
})
