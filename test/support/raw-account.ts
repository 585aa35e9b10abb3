/** A device that speaks frames about accounts, and keeps its user's as a Y.Doc. */
import {
  accountOf,
  digestOfNative,
  readNative,
  summarizeNative,
  wireDigest,
  type AccountName,
  type FrameOf,
  type RefusalCode,
  type UserId,
} from "@weft/sdk/protocol"
import * as Y from "yjs"
import type { RawClient } from "./raw-client.js"

let lastId = 1_000

export function accountNamed(user: string): AccountName {
  return accountOf(user as UserId)
}

/** Sends an update; undefined: it is durable. */
export async function pushAccount(
  client: RawClient,
  update: Uint8Array,
  account = accountNamed(client.user),
): Promise<RefusalCode | undefined> {
  const id = ++lastId
  client.connection.send({ kind: "accountUpdate", id, account, update })
  const isMine = (frame: { readonly id: number }): boolean => frame.id === id
  return Promise.race([
    client.connection.answer(id).then(() => undefined),
    waitFor(client, "accountRefused", isMine).then(({ code }) => code),
    client.connection.closed.then((code) => {
      throw new Error(`closed with ${code} instead of an answer`)
    }),
  ])
}

/** What the server holds of an account. */
export async function fetchAccount(
  client: RawClient,
  account = accountNamed(client.user),
): Promise<{ doc: Y.Doc; digest: Uint8Array } | RefusalCode> {
  const { connection } = client
  const from = connection.frames.length
  connection.send({ kind: "account", account, reply: false, digest: new Uint8Array(12), vector: Uint8Array.of(0) })
  const answer = await Promise.race([
    waitFor(client, "accountServed", (frame) => frame.account === account, from),
    waitFor(client, "accountRefused", (frame) => frame.account === account && frame.id === 0, from),
  ])
  if (answer.kind === "accountRefused") return answer.code
  const doc = new Y.Doc()
  for (const frame of connection.frames.slice(from)) {
    if (frame.kind === "accountUpdate" && frame.account === account) Y.applyUpdate(doc, frame.update)
  }
  return { doc, digest: answer.digest }
}

/** The same, of one who may read it. */
export async function heldAccount(client: RawClient): Promise<{ doc: Y.Doc; digest: Uint8Array }> {
  const held = await fetchAccount(client)
  if (typeof held === "string") throw new Error(held)
  return held
}

export function digestOfDoc(doc: Y.Doc, user: string): Uint8Array {
  const update = readNative(Y.encodeStateAsUpdate(doc))
  if (update === undefined) throw new Error("not an account's document")
  return wireDigest(digestOfNative(accountNamed(user), summarizeNative(update)))
}

/** What one edit makes of a document. */
export function edit(doc: Y.Doc, change: (doc: Y.Doc) => void): Uint8Array {
  const before = Y.encodeStateVector(doc)
  doc.transact(() => {
    change(doc)
  })
  return Y.encodeStateAsUpdate(doc, before)
}

export function draft(doc: Y.Doc, text: string): Uint8Array {
  return edit(doc, () => {
    const drafts = doc.getMap("drafts")
    const present = drafts.get("here")
    const target = present instanceof Y.Text ? present : drafts.set("here", new Y.Text())
    target.insert(target.length, text)
  })
}

/** A document of its own, and all of it. */
export function newDraft(text: string): { readonly doc: Y.Doc; readonly update: Uint8Array } {
  const doc = new Y.Doc()
  return { doc, update: draft(doc, text) }
}

/** The first frame of a kind that fits, among those that came and those to come; takes none from other readers. */
export async function waitFor<K extends "accountServed" | "accountRefused" | "accountUpdate">(
  client: RawClient,
  kind: K,
  fits: (frame: FrameOf<K>) => boolean,
  from = 0,
): Promise<FrameOf<K>> {
  const found = await client.connection.find(
    from,
    (frame) => frame.kind === kind && fits(frame as unknown as FrameOf<K>),
  )
  return found as unknown as FrameOf<K>
}
