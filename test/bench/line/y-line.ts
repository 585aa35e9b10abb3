import * as decoding from "lib0/decoding"
import * as encoding from "lib0/encoding"
import type { WebSocket } from "ws"
import * as Y from "yjs"
import { batchesOf, urlOf, type Line, type RoomPlan } from "./line.ts"
import { openSocket } from "./socket.ts"

const SYNC = 0
const STEP_1 = 0
const UPDATE = 2
const AUTH = 2
const AUTHENTICATED = 2

/** y-websocket's protocol: a socket for each document. */
export const yWebsocketLine: Line = {
  async connect(url, user) {
    // few documents, so that sockets are what is measured
    await openSocket(`${url}/lobby-${Number(/\d+$/.exec(user)?.[0] ?? 0) % 50}`, () => undefined)
  },
  async openRoom(plan, { delivered }) {
    const written = writeUpdates(plan)
    const sockets = await Promise.all(
      plan.users.map((_, member) =>
        openSocket(`${urlOf(plan, member)}/${plan.name}`, (bytes) => {
          const decoder = decoding.createDecoder(bytes)
          if (decoding.readVarUint(decoder) !== SYNC || decoding.readVarUint(decoder) !== UPDATE) return
          delivered(entriesOfOthers(decoding.readVarUint8Array(decoder), written.clients[member]))
        }),
      ),
    )
    const frames = written.updates.map(({ member, update }) => ({ member, bytes: frameOf(undefined, update) }))
    return roomOf(frames, (member) => sockets[member])
  },
}

interface HocuspocusSocket {
  readonly socket: WebSocket
  /** What to do with messages of each document. */
  readonly documents: Map<string, (decoder: decoding.Decoder) => void>
}

/** Hocuspocus' protocol: a user has one socket for all documents. */
export function hocuspocusLine(): Line {
  const users = new Map<string, Promise<HocuspocusSocket>>()
  const socketOf = (url: string, user: string): Promise<HocuspocusSocket> => {
    const known = users.get(user)
    if (known !== undefined) return known
    const opened = openHocuspocus(url)
    users.set(user, opened)
    return opened
  }
  return {
    async connect(url, user) {
      const opened = await socketOf(url, user)
      await openDocument(opened, `lobby-${Number(/\d+$/.exec(user)?.[0] ?? 0) % 50}`, () => undefined)
    },
    async openRoom(plan, { delivered }) {
      const written = writeUpdates(plan)
      const sockets = await Promise.all(
        plan.users.map(async (user, member) => {
          const opened = await socketOf(urlOf(plan, member), user)
          await openDocument(opened, plan.name, (update) => {
            delivered(entriesOfOthers(update, written.clients[member]))
          })
          return opened.socket
        }),
      )
      const frames = written.updates.map(({ member, update }) => ({ member, bytes: frameOf(plan.name, update) }))
      return roomOf(frames, (member) => sockets[member])
    },
  }
}

async function openHocuspocus(url: string): Promise<HocuspocusSocket> {
  const documents = new Map<string, (decoder: decoding.Decoder) => void>()
  const socket = await openSocket(url, (bytes) => {
    const decoder = decoding.createDecoder(bytes)
    documents.get(decoding.readVarString(decoder))?.(decoder)
  })
  return { socket, documents }
}

async function openDocument(
  { socket, documents }: HocuspocusSocket,
  name: string,
  onUpdate: (update: Uint8Array) => void,
): Promise<void> {
  await new Promise<void>((resolve) => {
    documents.set(name, (decoder) => {
      const type = decoding.readVarUint(decoder)
      if (type === AUTH && decoding.readVarUint(decoder) === AUTHENTICATED) {
        const encoder = startFrame(name, SYNC)
        encoding.writeVarUint(encoder, STEP_1)
        encoding.writeVarUint8Array(encoder, Y.encodeStateVector(new Y.Doc()))
        socket.send(encoding.toUint8Array(encoder))
      } else if (type === SYNC) {
        const step = decoding.readVarUint(decoder)
        // its answer to step 1: the document is there
        if (step === 1) resolve()
        else if (step === UPDATE) onUpdate(decoding.readVarUint8Array(decoder))
      }
    })
    const encoder = startFrame(name, AUTH)
    encoding.writeVarUint(encoder, 0)
    encoding.writeVarString(encoder, "token")
    socket.send(encoding.toUint8Array(encoder))
  })
}

/** One update for each batch: what appends to a root array of its author's cost Yjs least. */
function writeUpdates(plan: RoomPlan): { clients: number[]; updates: { member: number; update: Uint8Array }[] } {
  const documents = plan.users.map(() => new Y.Doc())
  const updates = batchesOf(plan).map(({ member, texts }) => {
    const document = documents[member]!
    let update: Uint8Array = new Uint8Array()
    document.once("update", (made: Uint8Array) => (update = made))
    document.getArray(String(member)).push(texts.map((text) => ({ text, from: plan.users[member], at: Date.now() })))
    return { member, update }
  })
  return { clients: documents.map(({ clientID }) => clientID), updates }
}

/** What is merged on the way counts in full: each entry takes one clock. */
function entriesOfOthers(update: Uint8Array, own: number | undefined): number {
  const { from, to } = Y.parseUpdateMeta(update)
  let count = 0
  for (const [client, end] of to) if (client !== own) count += end - (from.get(client) ?? 0)
  return count
}

function startFrame(name: string | undefined, type: number): encoding.Encoder {
  const encoder = encoding.createEncoder()
  if (name !== undefined) encoding.writeVarString(encoder, name)
  encoding.writeVarUint(encoder, type)
  return encoder
}

function frameOf(name: string | undefined, update: Uint8Array): Uint8Array {
  const encoder = startFrame(name, SYNC)
  encoding.writeVarUint(encoder, UPDATE)
  encoding.writeVarUint8Array(encoder, update)
  return encoding.toUint8Array(encoder)
}

function roomOf(
  frames: readonly { member: number; bytes: Uint8Array }[],
  socketOf: (member: number) => WebSocket | undefined,
): { batches: number; send(batch: number): void } {
  return {
    batches: frames.length,
    send(batch) {
      const { member, bytes } = frames[batch]!
      socketOf(member)?.send(bytes)
    },
  }
}
