import {
  BODY_SALT_BYTES,
  concat,
  decodeHead,
  decodeSeal,
  deviceOf,
  documentParts,
  encodeBody,
  encodeHead,
  encodeRecord,
  encodeSeal,
  hashBody,
  KIND_BODY,
  logIdOf,
  recordMessage,
  sealRun,
  type Clock,
  type Content,
  type ControlId,
  type DeviceId,
  type DocumentName,
  type Draft,
  type LogRun,
  type Signer,
} from "@weft/sdk/protocol"
import type { Random } from "../support/seed.js"
import { withAnotherByte } from "./hostile-server.js"

/** What a hostile device knows when it acts. */
export interface Scene {
  readonly document: DocumentName
  /** All that it knows of the document; at least one. */
  readonly runs: readonly LogRun[]
  /** All that its server holds of it. */
  readonly held: readonly LogRun[]
  readonly device: DeviceId
  readonly signer: Signer
  /** In which it is no more than a member. */
  readonly create: ControlId
  /** The entry by which this device came in, if its user was never made more than a member. */
  readonly introduced: ControlId | undefined
  readonly clock: Clock
  readonly random: Random
}

const FAR = 10 * 365 * 86_400_000 * 1024

/** Updates that no honest device sends. */
export const forgeries: readonly ((scene: Scene) => Promise<readonly LogRun[]> | readonly LogRun[])[] = [
  function changesWhatWasSaid({ runs, random }) {
    const run = random.pick(runs)
    const at = random.below(run.elements.length)
    return [
      {
        ...run,
        elements: run.elements.map((element, index) =>
          index === at && element !== null ? withAnotherByte(element, random) : element,
        ),
      },
    ]
  },
  function writesInAnothersName(scene) {
    const { runs, random } = scene
    return write(scene, logIdOf(deviceOf(random.pick(runs).log), random.bytes(3)), message(scene, "not mine"))
  },
  async function goesOnInAnothersLog(scene) {
    const { document, runs, create, signer, random } = scene
    const { log, client, elements } = random.pick(runs)
    const seen = [create]
    const { publicKey } = signer
    const before = { log, client, count: elements.length, link: random.bytes(32), publicKey, firstSeen: seen, seen }
    const { run } = await sealRun(document, log, before, [message(scene, "not mine either")], signer)
    return [random.oneIn(2) ? run : { ...run, elements: run.elements.slice(0, -1) }]
  },
  function rewritesItsPast(scene) {
    const own = scene.held.find(({ log, from }) => deviceOf(log) === scene.device && from === 0)
    return own === undefined ? [] : write(scene, own.log, message(scene, "I never said that"))
  },
  function leavesAGap({ runs, random }) {
    const run = random.pick(runs)
    return [{ ...run, from: run.from + run.elements.length + 3 }]
  },
  async function squatsAClientId(scene) {
    const { client } = scene.random.pick(scene.runs)
    return (await write(scene, fresh(scene), message(scene, "squatted"))).map((run) => ({ ...run, client }))
  },
  async function leavesTheSealOut(scene) {
    const runs = await write(scene, fresh(scene), message(scene, "unsealed"))
    return runs.map((run) => ({ ...run, elements: run.elements.slice(0, -1) }))
  },
  function backdates(scene) {
    return write(scene, fresh(scene), { ...message(scene, "long ago"), clock: 1 as Clock })
  },
  function writesFromTheFuture(scene) {
    return write(scene, fresh(scene), { ...message(scene, "ahead"), clock: (scene.clock + FAR) as Clock })
  },
  function makesHoles({ runs, random }) {
    const run = random.pick(runs)
    return [{ ...run, elements: run.elements.map((element) => (element?.[0] === KIND_BODY ? null : element)) }]
  },
  async function erasesWhatOthersSaid(scene) {
    const record = await recordOf(scene)
    if (record === undefined) return []
    const body = concat([Uint8Array.of(KIND_BODY), scene.random.bytes(BODY_SALT_BYTES), record])
    return write(scene, fresh(scene), { class: "erase", clock: scene.clock, body, seen: [scene.create] })
  },
  function takesAuthority(scene) {
    const content: Content = new Map<string, Content>([
      ["k", "role"],
      ["user", "eve"],
      ["role", "owner"],
    ])
    const body = encodeBody(scene.random.bytes(BODY_SALT_BYTES), content)
    return write(scene, fresh(scene), { class: "control", clock: scene.clock, body, seen: [scene.create] })
  },
]

/** Those that came later: older seeds play without them. */
export const laterForgeries: typeof forgeries = [
  function movesASeal(scene) {
    const { runs, random, create } = scene
    const run = random.pick(runs)
    const seal = run.elements.flatMap((element) => (element === null ? [] : (decodeSeal(element) ?? [])))[0]
    if (seal === undefined) return []
    const { body, clock } = message(scene, "sealed by another")
    const head = encodeHead({ class: "message", clock, bodyHash: hashBody(body), seen: [create] })
    const elements = [head, body, encodeSeal({ ...seal, publicKey: undefined })]
    return [{ ...run, from: run.from + run.elements.length, elements }]
  },
]

/** A record by which it would erase what somebody else said. */
export async function recordOf({ runs, random, ...scene }: Scene): Promise<Uint8Array | undefined> {
  const others = runs.filter(({ log }) => deviceOf(log) !== scene.device)
  if (others.length === 0 || documentParts(scene.document).kind === "control") return undefined
  const run = random.pick(others)
  const head = decodeHead(run.elements[0] ?? new Uint8Array())
  if (head?.class !== "message") return undefined
  const fields = {
    target: deviceOf(run.log),
    bodyHash: head.bodyHash,
    kind: "message" as const,
    publicKey: scene.signer.publicKey,
    clock: scene.clock,
    // As a stranger, or as the member that it is.
    seen: [scene.introduced === undefined || random.oneIn(2) ? scene.create : scene.introduced],
  }
  const signature = await scene.signer.sign(recordMessage(scene.document, fields))
  return encodeRecord({ ...fields, signature })
}

function fresh({ device, random }: Scene): LogRun["log"] {
  return logIdOf(device, random.bytes(3))
}

function message({ clock, random, create }: Scene, text: string): Draft {
  const body = encodeBody(random.bytes(BODY_SALT_BYTES), new Map([["t", text]]))
  return { class: "message", clock, body, seen: [create] }
}

async function write({ document, signer }: Scene, log: LogRun["log"], draft: Draft): Promise<readonly LogRun[]> {
  return [(await sealRun(document, log, undefined, [draft], signer)).run]
}
