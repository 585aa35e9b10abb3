import {
  BODY_SALT_BYTES,
  clockOf,
  concat,
  controlIdOf,
  encodeBody,
  encodeCertificate,
  encodeControl,
  encodeCut,
  encodeDraft,
  encodeFrame,
  encodeRecord,
  encodeSummary,
  encodeUpdate,
  hashBody,
  idBytes,
  issueCertificate,
  KIND_BODY,
  PROTOCOL_VERSION,
  messageIdOf,
  nothingHeld,
  recordMessage,
  signRegister,
  summarize,
  threadName,
  wireDigest,
  type Certificate,
  type Clock,
  type Content,
  type ControlAction,
  type ControlId,
  type ConversationId,
  type DocumentName,
  type DocumentSummary,
  type Draft,
  type EraseRecord,
  type Frame,
  type FrameOf,
  type LogRun,
  type UserId,
} from "@weft/sdk/protocol"
import { encodeRefused } from "../../sdk/src/sync/refused.ts"
import { encodeStockMessage } from "../../sync-server/src/connection/stock-message.ts"
import { makeConversation, makeDevice, makeLog, type TestDevice, type TestLog } from "../support/device.ts"
import { randomOf } from "../support/seed.ts"
import { largeVector, packed } from "./odd-packed.ts"

/** What stands where in a case: the mutator splices like into like. */
export type SampleKind =
  | "frame"
  | "stock"
  | "update"
  | "content"
  | "certificate"
  | "record"
  | "control"
  | "cut"
  | "draft"
  | "refused"
  | "summary"
  | "register"
  | "element"

interface Sample {
  readonly kind: SampleKind
  readonly bytes: Uint8Array
}

/** A member of the corpus' conversation. */
export interface Writer {
  readonly user: UserId
  readonly device: TestDevice
}

/** An honest session of a few members, byte for byte the same at every run: the keys, salts and clocks are drawn from one seed. */
export interface Corpus {
  readonly conversation: ConversationId
  readonly control: DocumentName
  readonly segment: DocumentName
  readonly writers: readonly Writer[]
  /** Who is no member. */
  readonly stranger: Writer
  /** Control entries that nobody names yet. */
  readonly heads: readonly ControlId[]
  /** What makes the conversation, in order; each is acknowledged. */
  readonly opening: readonly FrameOf<"update">[]
  /** What a replica knows of the segment afterwards. */
  readonly summary: DocumentSummary
  readonly segmentRuns: readonly LogRun[]
  readonly samples: readonly Sample[]
  message(text: string): Draft
}

const SEED = 20_260_101
const START_MS = Date.UTC(2025, 5, 1)

export async function recordCorpus(): Promise<Corpus> {
  const random = randomOf(SEED)
  let clock: number = clockOf(START_MS)
  const tick = (): Clock => ++clock as Clock
  const salt = (): Uint8Array => random.bytes(BODY_SALT_BYTES)
  const writers: Writer[] = []
  for (const user of ["alice", "bob", "mallory", "dan"]) {
    writers.push({ user: user as UserId, device: await makeDevice(random.bytes(32)) })
  }
  const stranger: Writer = { user: "eve" as UserId, device: await makeDevice(random.bytes(32)) }
  // Stands for a server whose certificates count in this conversation.
  const issuer = await makeDevice(random.bytes(32))
  const [alice, bob, mallory] = writers as [Writer, Writer, Writer, Writer]

  const action: ControlAction = {
    kind: "create",
    user: alice.user,
    title: "Trip \u{1f68b}",
    trust: [issuer.publicKey],
    members: writers.slice(1).map(({ user }) => ({ user, role: "member" })),
  }
  const drafts: Draft[] = []
  const keep = (draft: Draft): Draft => {
    drafts.push(draft)
    return draft
  }
  const createDraft = keep({ class: "control", clock: tick(), body: encodeControl(action, salt()), seen: [] })
  const made = await makeConversation(alice.device, createDraft, random.bytes(3))
  let heads: readonly ControlId[] = [made.created]
  const controlRuns: LogRun[] = [made.run]
  const certificates: Certificate[] = []
  const logs = new Map<TestDevice, TestLog>([[alice.device, made.log]])
  const govern = async (writer: Writer, what: ControlAction): Promise<void> => {
    const log = logs.get(writer.device) ?? makeLog(writer.device, made.control, random.bytes(3))
    logs.set(writer.device, log)
    const run = await log.seal(
      keep({ class: "control", clock: tick(), body: encodeControl(what, salt()), seen: heads }),
    )
    heads = [controlIdOf(writer.device.id, run.elements[0] ?? new Uint8Array())]
    controlRuns.push(run)
  }
  for (const writer of writers) {
    const certificate = await issueCertificate(
      { user: writer.user, publicKey: writer.device.publicKey, issuedAt: START_MS, issuer: issuer.publicKey },
      (message) => issuer.sign(message),
    )
    certificates.push(certificate)
    await govern(writer, { kind: "introduce", certificate })
  }
  await govern(alice, { kind: "title", title: "Trip, again" })
  await govern(alice, { kind: "role", user: bob.user, role: "admin" })

  const segment = made.segment(1)
  const message = (text: string): Draft => ({
    class: "message",
    clock: tick(),
    body: encodeBody(salt(), new Map([["t", text]])),
    seen: heads,
  })
  const segmentRuns: LogRun[] = []
  const wholes = new Map<TestDevice, TestLog>()
  let firstBody: Uint8Array | undefined
  for (const writer of writers) {
    const log = makeLog(writer.device, segment, random.bytes(3))
    wholes.set(writer.device, log)
    for (let run = 0; run < 3; run++) {
      const texts = Array.from({ length: 1 + run }, (_, index) => keep(message(`${writer.user} says ${run}.${index}`)))
      firstBody ??= texts[0]?.body
      segmentRuns.push(await log.seal(...texts))
    }
  }
  const fields = {
    target: alice.device.id,
    bodyHash: hashBody(firstBody ?? new Uint8Array()),
    kind: "message" as const,
    publicKey: alice.device.publicKey,
    clock: tick(),
    seen: heads,
  }
  const record: EraseRecord = { ...fields, signature: await alice.device.sign(recordMessage(segment, fields)) }
  const erase = keep({
    class: "erase",
    clock: tick(),
    body: concat([Uint8Array.of(KIND_BODY), salt(), encodeRecord(record)]),
    seen: heads,
  })
  segmentRuns.push(await (wholes.get(alice.device) as TestLog).seal(erase))

  const update = (document: DocumentName, runs: readonly LogRun[], id: number): FrameOf<"update"> => ({
    kind: "update",
    id,
    document,
    update: encodeUpdate(runs),
  })
  const opening = [
    ...controlRuns.map((run) => [made.control, run] as const),
    ...segmentRuns.map((run) => [segment, run] as const),
  ].map(([document, run], index) => update(document, [run], index + 1))
  const contents = new Map<number, LogRun>(Array.from(wholes.values(), ({ client, whole }) => [client, whole]))
  const summary = summarize(segment, contents)
  const digest = wireDigest(random.bytes(32))
  const vector = Array.from(summary.logs.values(), ({ log, count }) => ({ log, count }))
  const cut = new Map([
    [1, new Map(Array.from(summary.logs.values(), ({ log, count }) => [log, count]))],
    [3, new Map([[wholes.get(bob.device)?.id ?? ("" as LogRun["log"]), 300]])],
  ])
  const actions: ControlAction[] = [
    action,
    { kind: "introduce", certificate: certificates[0] as Certificate },
    { kind: "add", user: stranger.user, role: "reader" },
    { kind: "role", user: bob.user, role: "moderator" },
    { kind: "remove", user: mallory.user, cut },
    { kind: "title", title: "x".repeat(512) },
    { kind: "policy", trust: [issuer.publicKey, random.bytes(32)] },
  ]
  const rich: Content = new Map<string, Content>([
    ["b", random.bytes(40)],
    ["f", 0.5],
    ["l", [null, true, false, -1, 2 ** 40, "text", [["deep"]]]],
    ["t", "with \u{1f600} in it"],
  ])
  const wholeUpdate = encodeUpdate(Array.from(contents.values()))
  const frames: Frame[] = [
    ...opening,
    update(segment, Array.from(contents.values()), 0),
    {
      kind: "hello",
      version: PROTOCOL_VERSION,
      role: 0,
      token: "alice",
      publicKey: alice.device.publicKey,
      signature: random.bytes(64),
      packs: true,
    },
    {
      kind: "hello",
      version: PROTOCOL_VERSION,
      role: 1,
      token: "",
      publicKey: issuer.publicKey,
      signature: random.bytes(64),
      packs: true,
    },
    { kind: "challenge", version: PROTOCOL_VERSION, nonce: random.bytes(16), serverKey: issuer.publicKey },
    {
      kind: "welcome",
      user: "alice",
      serverTime: START_MS,
      incarnation: random.bytes(16),
      certificate: encodeCertificate(certificates[0] as Certificate),
      trust: [issuer.publicKey],
      frameBytes: 512 * 1024,
    },
    { kind: "trust", keys: [issuer.publicKey] },
    { kind: "refusal", code: "AUTH_FAILED", retryAfterMs: 0, message: "no" },
    { kind: "token", token: "alice" },
    { kind: "renewed", expiresAt: START_MS },
    { kind: "ping", id: 7 },
    { kind: "pong", id: 7, serverTime: START_MS },
    { kind: "digests", last: true, items: [{ conversation: made.id, digest }] },
    { kind: "documents", conversation: made.id, registers: digest, items: [{ document: segment, digest }] },
    { kind: "compared" },
    { kind: "vector", document: segment, reply: true, logs: vector, records: [random.bytes(18)] },
    { kind: "vector", document: made.control, reply: false, logs: [], records: [] },
    { kind: "served", document: segment, digest },
    { kind: "records", id: 8, document: segment, records: [encodeRecord(record)] },
    { kind: "ack", id: 7, copies: 1 },
    {
      kind: "reject",
      id: 7,
      document: segment,
      copies: 0,
      retryAfterMs: 5,
      items: [{ log: new Uint8Array(), code: "GAP", at: 3 }],
    },
  ]
  const listed = Array.from(summary.logs.values(), ({ client, count }) => ({ segment: 1, client, count }))
  listed.sort((a, b) => a.client - b.client)
  const held = { through: 3, rest: random.bytes(16), logs: listed }
  const threads = [{ thread: threadName(messageIdOf(record.target, record.bodyHash)), logs: listed }]
  const registers = await Promise.all(
    [
      { delivered: nothingHeld, read: undefined, threads: [] },
      { delivered: held, read: nothingHeld, threads: [] },
      { delivered: held, read: held, threads },
    ].map((said) => signRegister(made.id, { clock: clockOf(START_MS), ...said }, alice.device)),
  )
  const items = registers.map(({ bytes }) => bytes)
  frames.push({ kind: "registers", conversation: made.id, items })
  const awareness = Uint8Array.of(1, 5, 1, 4, ...Buffer.from("null"))
  const stateVector = new Map(Array.from(summary.logs.values(), ({ client, count }) => [client, count - 3]))
  const sample = (kind: SampleKind, ...bytes: readonly Uint8Array[]): Sample[] =>
    bytes.map((each) => ({ kind, bytes: each }))
  return {
    conversation: made.id,
    control: made.control,
    segment,
    writers,
    stranger,
    heads,
    opening,
    summary,
    segmentRuns,
    message,
    samples: [
      ...sample("frame", ...frames.map(encodeFrame), packed(largeVector(random, segment))),
      ...sample(
        "stock",
        encodeStockMessage({ kind: "step1", stateVector }),
        encodeStockMessage({ kind: "step2", update: wholeUpdate }),
        encodeStockMessage({ kind: "update", update: encodeUpdate(segmentRuns.slice(0, 1)) }),
        encodeStockMessage({ kind: "awareness", awareness }),
        encodeStockMessage({ kind: "queryAwareness" }),
      ),
      ...sample(
        "update",
        wholeUpdate,
        ...segmentRuns.map((run) => encodeUpdate([run])),
        ...controlRuns.map((run) => encodeUpdate([run])),
      ),
      ...sample("content", encodeBody(salt(), rich), encodeBody(salt(), "text"), encodeBody(salt(), [])),
      ...sample("certificate", ...certificates.map(encodeCertificate)),
      ...sample("record", encodeRecord(record)),
      ...sample("control", ...actions.map((each) => encodeControl(each, salt()))),
      ...sample("cut", encodeCut(cut), encodeCut(new Map())),
      ...sample("draft", ...drafts.map(encodeDraft)),
      ...sample("refused", encodeRefused({ code: "FORK", draft: erase })),
      ...sample("summary", encodeSummary(summary)),
      ...sample("register", ...items),
      ...sample("element", ...segmentRuns.flatMap(({ elements }) => elements.flatMap((element) => element ?? []))),
      ...sample("element", idBytes(made.id)),
    ],
  }
}
