import {
  clockOf,
  controlIdOf,
  decodeCertificate,
  decodeFrame,
  encodeBody,
  encodeControl,
  encodeFrame,
  encodeUpdate,
  helloMessage,
  PROTOCOL_VERSION,
  type Clock,
  type ControlAction,
  type ControlId,
  type DocumentName,
  type Draft,
  type Frame,
  type FrameOf,
  type LogRun,
  type UserId,
} from "@weft/sdk/protocol"
import type { WebSocket } from "ws"
import { makeConversation, makeDevice, makeLog, type TestConversation, type TestDevice } from "../../support/device.ts"
import { openSocket } from "./socket.ts"

/** A server that has not heard of a conversation yet, from its peer, is asked again: ever later, so that it can hear of it. */
const FIRST_RETRY_MS = 20
const LAST_RETRY_MS = 1_000
const MAX_TRIES = 60

type Answer = FrameOf<"ack"> | FrameOf<"reject">

/** A connected device of a user. */
export interface Member {
  readonly device: TestDevice
  readonly user: UserId
  readonly socket: WebSocket
  readonly welcome: FrameOf<"welcome">
  readonly answers: Map<number, (answer: Answer) => void>
  readonly documents: Map<DocumentName, (update: Uint8Array) => void>
  lastId: number
  /** Of this connection's last update: a further one need not name it. */
  lastDocument: DocumentName | undefined
}

/** Connects a new device and says hello. */
export async function greet(url: string, user: string): Promise<Member> {
  const device = await makeDevice()
  const answers = new Map<number, (answer: Answer) => void>()
  const documents = new Map<DocumentName, (update: Uint8Array) => void>()
  let welcomed: (frame: FrameOf<"welcome">) => void
  let challenged: (frame: FrameOf<"challenge">) => void
  const challenge = new Promise<FrameOf<"challenge">>((resolve) => (challenged = resolve))
  const welcome = new Promise<FrameOf<"welcome">>((resolve) => (welcomed = resolve))
  const socket = await openSocket(`${url}/sync`, (bytes) => {
    const frame = decodeFrame(bytes)
    if (frame?.kind === "ack" || frame?.kind === "reject") {
      const answer = answers.get(frame.id)
      answers.delete(frame.id)
      answer?.(frame)
    } else if (frame?.kind === "update") documents.get(frame.document)?.(frame.update)
    else if (frame?.kind === "challenge") challenged(frame)
    else if (frame?.kind === "welcome") welcomed(frame)
  })
  const { nonce, serverKey } = await challenge
  const signature = await device.sign(helloMessage(nonce, serverKey))
  send(socket, {
    kind: "hello",
    version: PROTOCOL_VERSION,
    role: 0,
    token: user,
    publicKey: device.publicKey,
    signature,
    packs: false,
  })
  const granted = await welcome
  return {
    device,
    user: user as UserId,
    socket,
    welcome: granted,
    answers,
    documents,
    lastId: 0,
    lastDocument: undefined,
  }
}

/** Creates a conversation on its creator's server. */
export async function createConversation(
  creator: Member,
  title: string,
  users: readonly string[],
): Promise<TestConversation> {
  const members = users.map((user) => ({ user: user as UserId, role: "member" as const }))
  const action: ControlAction = { kind: "create", user: creator.user, title, trust: creator.welcome.trust, members }
  const conversation = await makeConversation(creator.device, control(action, []))
  await push(creator, conversation.control, conversation.run)
  return conversation
}

/** The control entry that brings a member's device in. */
export async function introduce(member: Member, conversation: TestConversation): Promise<ControlId> {
  const certificate = decodeCertificate(member.welcome.certificate)
  if (certificate === undefined) throw new Error("the welcome brought no certificate")
  const isCreator = conversation.log.summary?.publicKey === member.device.publicKey
  const log = isCreator ? conversation.log : makeLog(member.device, conversation.control)
  const run = await log.seal(control({ kind: "introduce", certificate }, [conversation.created]))
  await push(member, conversation.control, run)
  return controlIdOf(member.device.id, run.elements[0] ?? new Uint8Array())
}

/** Sends a run until the server has it. */
export async function push(member: Member, document: DocumentName, run: LogRun): Promise<void> {
  for (let tries = 1; ; tries++) {
    const id = ++member.lastId
    const answer = await new Promise<Answer>((resolve) => {
      member.answers.set(id, resolve)
      member.lastDocument = document
      send(member.socket, { kind: "update", id, document, update: encodeUpdate([run]) })
    })
    if (answer.kind === "ack") return
    if (tries === MAX_TRIES) throw new Error(`refused: ${answer.items.map(({ code }) => code).join()}`)
    const wait = Math.min(LAST_RETRY_MS, FIRST_RETRY_MS * 2 ** tries)
    await new Promise((resolve) => setTimeout(resolve, wait))
  }
}

function control(action: ControlAction, seen: readonly ControlId[]): Draft {
  return { class: "control", clock: nextClock(), body: encodeControl(action, salt()), seen }
}

/** A message of now, whose author has seen this control entry. */
export function message(text: string, seen: ControlId): Draft {
  return { class: "message", clock: nextClock(), body: encodeBody(salt(), new Map([["t", text]])), seen: [seen] }
}

const salt = (): Uint8Array => crypto.getRandomValues(new Uint8Array(12))

let lastClock = 0

function nextClock(): Clock {
  lastClock = Math.max(lastClock + 1, clockOf(Date.now()))
  return lastClock as Clock
}

/** Sends a frame. */
export function send(socket: WebSocket, frame: Frame): void {
  socket.send(encodeFrame(frame))
}
