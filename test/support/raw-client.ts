/** Clients of the raw session protocol: for tests of what a server does with frames, whoever sends them. */
import {
  decodeCertificate,
  encodeBody,
  encodeControl,
  encodeFrame,
  helloMessage,
  PACKED_FRAME,
  PROTOCOL_VERSION,
  refusalOfClose,
  type Certificate,
  type ControlAction,
  type Draft,
  type Frame,
  type FrameKind,
  type FrameOf,
  type RefusalCode,
  type UserId,
  clockOf,
  controlIdOf,
  type Clock,
  type ControlId,
  type DocumentName,
  encodeUpdate,
  type LogRun,
} from "@weft/sdk/protocol"
import { WebSocket } from "ws"
import { onTestFinished } from "vitest"
import {
  makeConversation,
  makeDevice,
  makeLog,
  type TestConversation,
  type TestDevice,
  type TestLog,
} from "./device.js"
import { wholeFrame } from "./sync-deflate.js"

/** How the server ended a connection: a code of ours, or a bare number of WebSocket's. */
export type Closed = RefusalCode | number

const PATIENCE_MS = 10_000

/** A socket that speaks frames, without any manners of its own. */
export class RawConnection {
  readonly frames: Frame[] = []
  /** How many of them came packed. */
  packed = 0
  readonly closed: Promise<Closed>
  readonly #socket: WebSocket
  readonly #waiting = new Set<() => void>()
  readonly #answers = new Map<number, (frame: FrameOf<"ack"> | FrameOf<"reject">) => void>()
  #ended: Closed | undefined
  #taken = 0

  private constructor(socket: WebSocket) {
    this.#socket = socket
    socket.binaryType = "nodebuffer"
    socket.on("message", (data: Buffer) => {
      const bytes = new Uint8Array(data)
      if (bytes[0] === PACKED_FRAME) this.packed++
      const frame = wholeFrame(bytes)
      if (frame === undefined) throw new TypeError("the server sent what is no frame")
      this.frames.push(frame)
      if (frame.kind === "ack" || frame.kind === "reject") this.#answers.get(frame.id)?.(frame)
      this.#look()
    })
    socket.on("error", () => undefined)
    this.closed = new Promise((resolve) => {
      socket.on("close", (code) => {
        this.#ended = refusalOfClose(code) ?? code
        resolve(this.#ended)
        this.#look()
      })
    })
  }

  /** A connection of which nothing is said yet but the server's challenge. Closed when the test ends. */
  static async open(url: string, path = "/sync"): Promise<RawConnection> {
    const socket = new WebSocket(`${url}${path}`, { perMessageDeflate: false })
    const connection = new RawConnection(socket)
    onTestFinished(() => {
      connection.end()
    })
    await new Promise<void>((resolve, reject) => {
      socket.once("open", resolve)
      socket.once("error", reject)
    })
    return connection
  }

  send(frame: Frame): void {
    this.sendBytes(encodeFrame(frame))
  }

  sendBytes(bytes: Uint8Array): void {
    this.#socket.send(bytes, { binary: true })
  }

  sendText(text: string): void {
    this.#socket.send(text)
  }

  pause(): void {
    this.#socket.pause()
  }

  /** Cuts the line without a word. */
  end(): void {
    this.#socket.terminate()
  }

  /** The next frame of this kind that fits; those before it are passed over, once and for all. */
  async next<K extends FrameKind>(kind: K, fits: (frame: FrameOf<K>) => boolean = () => true): Promise<FrameOf<K>> {
    const deadline = Date.now() + PATIENCE_MS
    for (;;) {
      for (; this.#taken < this.frames.length; this.#taken++) {
        const frame = this.frames[this.#taken]
        if (frame?.kind !== kind || !fits(frame as FrameOf<K>)) continue
        this.#taken++
        return frame as FrameOf<K>
      }
      if (this.#ended !== undefined) throw new Error(`closed with ${this.#ended} while waiting for ${kind}`)
      if (Date.now() > deadline) throw new Error(`no ${kind} came`)
      await this.#woken(deadline)
    }
  }

  /** The first frame from the given one on that fits; passes none over. */
  async find(from: number, fits: (frame: Frame) => boolean): Promise<Frame> {
    const deadline = Date.now() + PATIENCE_MS
    for (let at = from; ; at++) {
      while (at >= this.frames.length) {
        if (this.#ended !== undefined) throw new Error(`closed with ${this.#ended}`)
        if (Date.now() > deadline) throw new Error("no such frame came")
        await this.#woken(deadline)
      }
      const frame = this.frames[at]
      if (frame !== undefined && fits(frame)) return frame
    }
  }

  /** What the server will say of an update. */
  answer(id: number): Promise<FrameOf<"ack"> | FrameOf<"reject">> {
    return new Promise((resolve) => this.#answers.set(id, resolve))
  }

  /** Resolves when something came in, or at the deadline. */
  #woken(deadline: number): Promise<void> {
    return new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, deadline - Date.now() + 1)
      const wake = (): void => {
        clearTimeout(timer)
        this.#waiting.delete(wake)
        resolve()
      }
      this.#waiting.add(wake)
    })
  }

  #look(): void {
    for (const wake of Array.from(this.#waiting)) wake()
  }
}

export interface RawClientOptions {
  readonly user: string
  readonly device?: TestDevice
  /** Default: the user's name, as development servers take it. */
  readonly token?: string
  /** Whether it takes packed frames. */
  readonly packs?: boolean
}

/** A device that said hello and was welcomed. */
export class RawClient {
  readonly connection: RawConnection
  readonly device: TestDevice
  readonly user: string
  readonly welcome: FrameOf<"welcome">
  readonly serverKey: Uint8Array
  #nextId = 1

  private constructor(
    connection: RawConnection,
    options: RawClientOptions,
    device: TestDevice,
    greeting: { welcome: FrameOf<"welcome">; serverKey: Uint8Array },
  ) {
    this.connection = connection
    this.device = device
    this.user = options.user
    this.welcome = greeting.welcome
    this.serverKey = greeting.serverKey
  }

  static async connect(url: string, options: RawClientOptions): Promise<RawClient> {
    const connection = await RawConnection.open(url)
    const device = options.device ?? (await makeDevice())
    const { serverKey } = await sayHello(connection, device, options.token ?? options.user, {
      packs: options.packs ?? false,
    })
    const welcome = await connection.next("welcome")
    return new RawClient(connection, options, device, { welcome, serverKey })
  }

  get certificate(): Certificate {
    const certificate = decodeCertificate(this.welcome.certificate)
    if (certificate === undefined) throw new TypeError("the welcome brought no certificate")
    return certificate
  }

  /** Sends an update and waits for what the server says of it. */
  async update(document: DocumentName, update: Uint8Array): Promise<FrameOf<"ack"> | FrameOf<"reject">> {
    const id = this.#nextId++
    const answer = this.connection.answer(id)
    this.connection.send({ kind: "update", id, document, update })
    return Promise.race([
      answer,
      this.connection.closed.then((code) => {
        throw new Error(`closed with ${code} instead of an answer`)
      }),
    ])
  }

  /** Codes of the logs that were refused; none: all of it is durable. */
  async push(document: DocumentName, ...runs: readonly LogRun[]): Promise<RefusalCode[]> {
    return codesOf(await this.update(document, encodeUpdate(runs)))
  }

  /** What the server holds of a document beyond nothing. */
  async fetch(document: DocumentName): Promise<{ updates: Uint8Array[]; digest: Uint8Array }> {
    const from = this.connection.frames.length
    this.connection.send({ kind: "vector", document, reply: false, logs: [], records: [] })
    const { digest } = await this.connection.next("served", (frame) => frame.document === document)
    const updates = this.connection.frames.slice(from).flatMap((frame) => {
      return frame.kind === "update" && frame.document === document ? [frame.update] : []
    })
    return { updates, digest }
  }
}

/** Answers the challenge. */
export async function sayHello(
  connection: RawConnection,
  device: TestDevice,
  token: string,
  change: Partial<FrameOf<"hello">> = {},
): Promise<FrameOf<"challenge">> {
  const challenge = await connection.next("challenge")
  const signature = await device.sign(helloMessage(challenge.nonce, challenge.serverKey))
  connection.send({
    kind: "hello",
    version: PROTOCOL_VERSION,
    role: 0,
    token,
    publicKey: device.publicKey,
    signature,
    packs: false,
    ...change,
  })
  return challenge
}

export function codesOf(answer: FrameOf<"ack"> | FrameOf<"reject">): RefusalCode[] {
  return answer.kind === "ack" ? [] : answer.items.map(({ code }) => code)
}

let lastClock = 0

/** A clock of now, above all before. */
export function clockNow(aheadMs = 0): Clock {
  lastClock = Math.max(lastClock + 1, clockOf(Date.now()))
  return (lastClock + aheadMs * 1024) as Clock
}

/** A conversation that a client opened on its server, with what it takes to write more. */
export class RawConversation {
  readonly creator: RawClient
  readonly made: TestConversation
  /** Control entries that nobody has named yet. */
  heads: readonly ControlId[]
  /** Everything in the control document, to bring it elsewhere. */
  readonly control: LogRun[] = []
  readonly #controlLogs = new Map<TestDevice, TestLog>()

  private constructor(creator: RawClient, made: TestConversation) {
    this.creator = creator
    this.made = made
    this.heads = [made.created]
    this.#controlLogs.set(creator.device, made.log)
    this.control.push(made.run)
  }

  /** Creates it, introduces the creator's device, and sends both. */
  static async create(creator: RawClient, members: readonly string[] = []): Promise<RawConversation> {
    const conversation = await RawConversation.prepare(creator, members)
    const codes = await creator.push(conversation.made.control, conversation.made.run)
    if (codes.length > 0) throw new Error(`the conversation was refused: ${codes.join()}`)
    await conversation.introduce(creator)
    return conversation
  }

  /** Creates it without telling anybody. */
  static async prepare(creator: RawClient, members: readonly string[] = []): Promise<RawConversation> {
    const action: ControlAction = {
      kind: "create",
      user: creator.user as UserId,
      title: "Test",
      trust: creator.welcome.trust,
      members: members.map((user) => ({ user: user as UserId, role: "member" })),
    }
    const body = encodeControl(action, crypto.getRandomValues(new Uint8Array(12)))
    const draft: Draft = { class: "control", clock: clockNow(), body, seen: [] }
    return new RawConversation(creator, await makeConversation(creator.device, draft))
  }

  get id(): TestConversation["id"] {
    return this.made.id
  }

  segment(number: number): DocumentName {
    return this.made.segment(number)
  }

  /** A sealed control entry of a client's device; not sent. */
  async sealControl(
    client: { readonly device: TestDevice },
    action: ControlAction,
    seen = this.heads,
  ): Promise<{ run: LogRun; id: ControlId }> {
    const log = this.#controlLogs.get(client.device) ?? makeLog(client.device, this.made.control)
    this.#controlLogs.set(client.device, log)
    const body = encodeControl(action, crypto.getRandomValues(new Uint8Array(12)))
    const draft: Draft = { class: "control", clock: clockNow(), body, seen }
    const run = await log.seal(draft)
    return { run, id: controlIdOf(client.device.id, run.elements[0] ?? new Uint8Array()) }
  }

  /** Seals a control entry and sends it; throws where it is refused. */
  async govern(client: RawClient, action: ControlAction, seen = this.heads): Promise<ControlId> {
    const { run, id } = await this.sealControl(client, action, seen)
    const codes = await client.push(this.made.control, run)
    if (codes.length > 0) throw new Error(`${action.kind} was refused: ${codes.join()}`)
    this.control.push(run)
    this.heads = [...this.heads.filter((head) => !seen.includes(head)), id]
    return id
  }

  introduce(client: RawClient): Promise<ControlId> {
    return this.govern(client, { kind: "introduce", certificate: client.certificate })
  }

  /** A log of the client's device in a segment. */
  log(client: { readonly device: TestDevice }, segment = 1): TestLog {
    return makeLog(client.device, this.segment(segment))
  }

  /** A message of now that has seen all of the control document. */
  message(text: string, change: Partial<Draft> = {}): Draft {
    return { ...messageOf(text, this.heads), ...change }
  }
}

function messageOf(text: string, seen: readonly ControlId[]): Draft {
  const content = new Map([["t", text]])
  const salt = crypto.getRandomValues(new Uint8Array(12))
  return { class: "message", clock: clockNow(), body: encodeBody(salt, content), seen }
}
