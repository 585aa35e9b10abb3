import {
  encodeFrame,
  encodeUpdate,
  type Clock,
  type ConversationId,
  type DocumentName,
  type Draft,
  type Frame,
  type LogId,
  type RefusalCode,
  refusals,
} from "@weft/sdk/protocol"
import * as fc from "fast-check"
import { makeLog } from "../support/device.ts"
import type { Random } from "../support/seed.ts"
import type { Corpus } from "./corpus.ts"

const bytes = (minLength: number, maxLength = minLength): fc.Arbitrary<Uint8Array> =>
  fc.uint8Array({ minLength, maxLength })
const uint = fc.oneof(
  { weight: 3, arbitrary: fc.nat(300) },
  { weight: 1, arbitrary: fc.constantFrom(0, 2 ** 31, 2 ** 32 - 1, 2 ** 53 - 1) },
)
const id = bytes(18).map((each) => Buffer.from(each).toString("base64url"))
const text = (max: number): fc.Arbitrary<string> => fc.string({ unit: "binary", maxLength: Math.floor(max / 4) })
const code = fc.constantFrom(...(Object.keys(refusals) as RefusalCode[]))

/** Frames that keep their schema's bounds and mean anything at all: names that exist, counts that lie, fields at their edges. */
export function frameArbitrary(corpus: Corpus): fc.Arbitrary<Frame> {
  const conversation = fc.oneof(fc.constant(corpus.conversation), id as fc.Arbitrary<ConversationId>)
  const document = fc.oneof(
    { weight: 6, arbitrary: fc.constantFrom(corpus.control, corpus.segment) },
    {
      weight: 2,
      arbitrary: fc
        .constantFrom(2, 3, 2 ** 31 - 1)
        .map((segment) => `c/${corpus.conversation}/${segment}` as DocumentName),
    },
    { weight: 1, arbitrary: id.map((each) => `c/${each}/control` as DocumentName) },
    { weight: 1, arbitrary: id.map((each) => `c/${each}/1` as DocumentName) },
  )
  const log = fc.oneof(
    fc.constantFrom(...Array.from(corpus.summary.logs.values(), (held) => held.log)),
    bytes(21).map((each) => {
      const name = Buffer.from(each).toString("base64url")
      return `${name.slice(0, 24)}/${name.slice(24)}` as LogId
    }),
  )
  const digest = bytes(12)
  const records = corpus.samples.flatMap((sample) => (sample.kind === "record" ? [sample.bytes] : []))
  const update = fc.oneof(
    fc.constantFrom(...corpus.samples.flatMap((sample) => (sample.kind === "update" ? [sample.bytes] : []))),
    bytes(0, 200),
  )
  const taken = fc.oneof(
    fc.record({ kind: fc.constant("ping" as const), id: uint }),
    fc.record({ kind: fc.constant("compared" as const) }),
    fc.record({ kind: fc.constant("served" as const), document, digest }),
    fc.record({
      kind: fc.constant("digests" as const),
      last: fc.boolean(),
      items: fc.array(fc.record({ conversation, digest }), { maxLength: 20 }),
    }),
    fc.record({
      kind: fc.constant("vector" as const),
      document,
      reply: fc.boolean(),
      logs: fc.array(fc.record({ log, count: uint }), { maxLength: 20 }),
      records: fc.array(bytes(18), { maxLength: 5 }),
    }),
    fc.record({
      kind: fc.constant("records" as const),
      id: uint,
      document,
      records: fc.array(fc.oneof(fc.constantFrom(...records), bytes(0, 300)), { maxLength: 8 }),
    }),
    fc.record({ kind: fc.constant("update" as const), id: uint, document, update }),
  )
  // A device that sends these is refused, and its connection ends.
  const outOfOrder = fc.oneof(
    fc.record({ kind: fc.constant("token" as const), token: fc.oneof(fc.constant("alice"), text(200)) }),
    fc.record({
      kind: fc.constant("documents" as const),
      conversation,
      registers: digest,
      items: fc.array(fc.record({ document, digest }), { maxLength: 10 }),
    }),
    fc.record({ kind: fc.constant("ack" as const), id: uint, copies: uint }),
    fc.record({
      kind: fc.constant("reject" as const),
      id: uint,
      document,
      copies: uint,
      retryAfterMs: uint,
      items: fc.array(fc.record({ log: fc.oneof(bytes(0), bytes(21)), code, at: uint }), { maxLength: 5 }),
    }),
    fc.record({ kind: fc.constant("pong" as const), id: uint, serverTime: uint }),
    fc.record({ kind: fc.constant("refusal" as const), code, retryAfterMs: uint, message: text(500) }),
  )
  return fc.oneof({ weight: 12, arbitrary: taken }, { weight: 1, arbitrary: outOfOrder })
}

/** A sealed run by a member whose form is good and whose meaning need not be: content, clock, class, what it saw. */
export async function sealedFrame(random: Random, corpus: Corpus): Promise<Uint8Array> {
  const writer = random.pick(corpus.writers)
  const control = random.oneIn(4)
  const document = control ? corpus.control : corpus.segment
  // Few logs, so that what the server holds does not grow with what is played, and many runs meet one that is there.
  const log = makeLog(writer.device, random.oneIn(8) ? corpus.segment : document, Uint8Array.of(0, 0, random.below(64)))
  const drafts = Array.from({ length: 1 + random.below(3) }, (): Draft => {
    const draft = corpus.message(`fuzz ${random.below(1000)}`)
    return {
      ...draft,
      class: random.oneIn(6) ? random.pick(["message", "erase", "control"]) : control ? "control" : "message",
      clock: (random.oneIn(6) ? 2 ** random.below(53) : draft.clock) as Clock,
      body: random.oneIn(4) ? random.pick(bodies(corpus)) : draft.body,
      seen: random.oneIn(8) ? [] : draft.seen,
    }
  })
  const run = await log.seal(...drafts)
  return encodeFrame({ kind: "update", id: 1 + random.below(1000), document, update: encodeUpdate([run]) })
}

function bodies(corpus: Corpus): Uint8Array[] {
  return corpus.samples.flatMap(({ kind, bytes: body }) => (kind === "control" || kind === "content" ? [body] : []))
}
