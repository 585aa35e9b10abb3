import { WeftError } from "../base/errors.js"
import { mayErase } from "../authority/project.js"
import type { GivenMention } from "../conversation/mention.js"
import type { MarkedText } from "../conversation/merge-text.js"
import type { Message } from "../conversation/message.js"
import { segmentNumber, type Node } from "../conversation/node.js"
import { encodeSaid, messageIdParts, type MessageRef, type Said, type SaidMessage } from "../conversation/said.js"
import { draftMessageId } from "../log/draft.js"
import type { Env } from "../base/env.js"
import { BODY_SALT_BYTES, encodeBody, type BodyHash, type MessageId } from "../protocol/entry.js"
import { parseEmoji } from "../protocol/emoji.js"
import { MAX_CONTENT_KEYS, MAX_EDITS } from "../protocol/limits.js"
import { isWellFormed } from "../protocol/names.js"
import type { ReplicaDocument } from "../sync/document.js"
import type { Erasable } from "../sync/erase-draft.js"
import type { OutgoingMessage, SendOptions } from "./api.js"
import { demandMentions } from "./given-mentions.js"
import { Outgoing, type Progress } from "./outgoing.js"
import type { ConversationView, ViewPorts } from "./view.js"

export interface WritingPorts extends Omit<ViewPorts, "ends" | "followed"> {
  isClosed(): boolean
}

/** What a user writes into a conversation: messages, and what is said about them. */
export class Writing {
  /** By what was refused: what was written in its place. */
  private readonly retried = new Map<MessageId, OutgoingMessage>()

  constructor(
    private readonly ports: WritingPorts,
    private readonly view: ConversationView,
  ) {}

  send(text: string, { replyTo, thread, mentions }: SendOptions = {}): OutgoingMessage {
    this.demandWriter()
    return this.post({
      ...plainMessage(text, mentions),
      replyTo: replyTo === undefined ? undefined : this.refOf(replyTo),
      thread: thread === undefined ? undefined : this.rootOf(thread),
    })
  }

  /** Writes a message that was made before its conversation was read. */
  write(body: Uint8Array): void {
    this.ports.conversation.write(body)
  }

  /** `undoes`: the edit that this one takes back. */
  edit(id: MessageId, text: string, mentions?: readonly GivenMention[], undoes?: BodyHash): OutgoingMessage {
    this.demandWriter()
    demandText(text)
    const { node, message, document } = this.demand(id)
    if (!message.own) throw new WeftError("NOT_ALLOWED", "only its author edits a message")
    if (message.form !== "text") throw new WeftError("BAD_ARGUMENT", "this message has no text")
    if (message.forwardedFrom !== undefined)
      throw new WeftError("NOT_ALLOWED", "what was forwarded stays as it was said")
    demandTaken(message)
    const { projection } = this.view
    if (projection.editsOf(id).length >= MAX_EDITS) {
      throw new WeftError("NOT_ALLOWED", `a message takes at most ${String(MAX_EDITS)} edits`)
    }
    const seen = projection.editHeads(id).slice(-MAX_CONTENT_KEYS)
    const said = { kind: "edit", of: node.id, seen, undoes, text, mentions: demandMentions(mentions, text) } as const
    return this.post(said, document)
  }

  /** Answers an edit by the text without it. Rejects with STORE_* where that can't be made durable now; it is shown all the same. */
  async takeBack(id: MessageId, edit: MessageId, { text, mentions }: MarkedText): Promise<void> {
    this.edit(id, text, mentions, hashOf(edit))
    await this.demand(id).document.save()
  }

  react(id: MessageId, given: string, on: boolean): OutgoingMessage | undefined {
    this.demandReactor()
    const emoji = parseEmoji(given)
    if (emoji === undefined) throw new WeftError("BAD_ARGUMENT", "a reaction is one emoji")
    const { message, document } = this.demandTarget(id)
    if (message.form === "erased") throw new WeftError("BAD_ARGUMENT", "this message was erased")
    const own = message.reactions.some((reaction) => reaction.emoji === emoji && reaction.own)
    return own === on ? undefined : this.post({ kind: "reaction", of: id, emoji, on }, document)
  }

  async erase(id: MessageId): Promise<void> {
    this.demandOpen()
    const { conversation } = this.ports
    const { node, message, document } = this.demand(id)
    // One that could not be made durable then is to be so now.
    if (message.form === "erased") return document.save()
    if (message.status === "rejected") throw new WeftError("BAD_ARGUMENT", "this message was rejected: discard it")
    if (!this.hasRightToErase(message))
      throw new WeftError(
        "NOT_ALLOWED",
        conversation.state.direct
          ? "only its author erases a message here"
          : "only its author and moderators erase a message",
      )
    const edits = this.view.projection.editsOf(id).filter((edit) => edit.document === node.document)
    const targets = [erasable(node, "message"), ...edits.map((edit) => erasable(edit, "edit"))]
    await conversation.erase(document, targets)
    await document.save()
  }

  mayErase(id: MessageId): boolean {
    const message = this.view.projection.get(id)
    if (message === undefined || message.form === "erased" || message.status === "rejected") return false
    return this.hasRightToErase(message)
  }

  private hasRightToErase({ device: target }: Message): boolean {
    const { conversation, device: eraser } = this.ports
    const { state } = conversation
    return mayErase(state, { eraser, target, seen: state.headsFor(eraser) }) !== undefined
  }

  forward(message: Message): OutgoingMessage {
    this.demandWriter()
    return this.post(forwarded(message))
  }

  /** Writes again what was refused, as a new entry: once, however often it is asked for before the first one is forgotten. */
  retry(id: MessageId): OutgoingMessage {
    const node = this.rejected(id)
    const outgoing = this.retried.get(id) ?? this.again(node)
    this.retried.set(id, outgoing)
    // What could not be forgotten is so by the next call.
    this.ports.conversation.discard(hashOf(id)).catch(() => undefined)
    return outgoing
  }

  async discard(id: MessageId): Promise<void> {
    this.rejected(id)
    await this.ports.conversation.discard(hashOf(id))
  }

  private again({ said }: Node): OutgoingMessage {
    if (said?.kind === "reaction") this.demandReactor()
    else this.demandWriter()
    switch (said?.kind) {
      case "message":
        return this.post(said)
      case "edit":
        return this.edit(said.of, said.text, said.mentions, said.undoes)
      case "reaction":
        return this.post(said, this.demandTarget(said.of).document)
      default:
        throw new WeftError("BAD_ARGUMENT", "nothing that could be written again; an erasure is asked for anew")
    }
  }

  private rejected(id: MessageId): Node {
    const node = this.view.projection.node(id)
    if (node?.rejection === undefined) throw new WeftError("BAD_ARGUMENT", "this was not rejected")
    return node
  }

  private post(said: Exclude<Said, { kind: "unknown" }>, about?: ReplicaDocument): OutgoingMessage {
    const entryClass = said.kind === "reaction" ? "reaction" : "message"
    const { document, draft } = this.ports.conversation.write(messageBody(said, this.ports.env), about, entryClass)
    const id = draftMessageId(this.ports.device, draft)
    const unread = (): Progress => ({ status: document.isDurable(draft) ? "saved" : "saving", rejection: undefined })
    return new Outgoing(
      id,
      () => this.view.progressOf(id) ?? unread(),
      this.view.progress,
      () => this.ports.isClosed(),
    )
  }

  /** A message that was read, and where it stands. */
  private demand(id: MessageId): { node: Node; message: Message; document: ReplicaDocument } {
    const node = this.view.projection.node(id)
    const document = node === undefined ? undefined : this.view.documentOf(node)
    if (node?.message === undefined || document === undefined) {
      throw notLoaded()
    }
    return { node, message: node.message, document }
  }

  /** The same, where others have it, or will: what rests on another means nothing to them. */
  private demandTarget(id: MessageId): ReturnType<Writing["demand"]> {
    const target = this.demand(id)
    demandTaken(target.message)
    return target
  }

  private refOf(id: MessageId): MessageRef {
    return { segment: segmentNumber(this.demandTarget(id).node.document), id }
  }

  /** Threads have one level: a message of one leads to its root. */
  private rootOf(id: MessageId): MessageRef {
    const { node } = this.demandTarget(id)
    const root = node.said?.kind === "message" ? node.said.thread : undefined
    // A root may be rejected after what stands below it was written.
    if (root !== undefined) demandTaken(this.view.projection.get(root.id))
    return root ?? this.refOf(id)
  }

  private demandOpen(): void {
    if (this.ports.isClosed()) throw new WeftError("CLIENT_CLOSED", "this client was closed")
  }

  private demandWriter(): void {
    this.demandOpen()
    const { state } = this.ports.conversation
    if (!state.maySpeak(this.ports.user)) throw notAllowed(state.announcing)
  }

  private demandReactor(): void {
    this.demandOpen()
    if (!this.ports.conversation.state.mayReact(this.ports.user)) throw notAllowed(false)
  }
}

/** Throws BAD_ARGUMENT. */
export function plainMessage(text: string, mentions?: readonly GivenMention[]): SaidMessage {
  demandText(text)
  return {
    kind: "message",
    text,
    mentions: demandMentions(mentions, text),
    replyTo: undefined,
    thread: undefined,
    forwardedFrom: undefined,
  }
}

/** Throws BAD_ARGUMENT. */
export function forwarded({ text, author, forwardedFrom }: Message): SaidMessage {
  if (text === undefined) throw new WeftError("BAD_ARGUMENT", "this message has no text")
  return { ...plainMessage(text), forwardedFrom: forwardedFrom ?? author }
}

/** What is written for it, with a fresh salt. Throws BODY_TOO_LARGE. */
export function messageBody(said: Exclude<Said, { kind: "unknown" }>, env: Pick<Env, "randomBytes">): Uint8Array {
  try {
    return encodeBody(env.randomBytes(BODY_SALT_BYTES), encodeSaid(said))
  } catch (error) {
    if (!(error instanceof RangeError)) throw error
    throw new WeftError("BODY_TOO_LARGE", "a message has at most 64 KiB", { cause: error })
  }
}

export function notAllowed(announcementsOnly: boolean): WeftError {
  const who = announcementsOnly ? "moderators" : "members"
  return new WeftError("NOT_ALLOWED", `only ${who} may write in this conversation`)
}

/** About a message that was not read. */
export function notLoaded(): WeftError {
  return new WeftError("BAD_ARGUMENT", "this message is not loaded here")
}

function hashOf(id: MessageId): BodyHash {
  return id.slice(id.indexOf(".") + 1) as BodyHash
}

function erasable({ id }: Node, kind: Erasable["kind"]): Erasable {
  const parts = messageIdParts(id)
  if (parts === undefined) throw new TypeError("a message without a name")
  return { ...parts, kind }
}

/** Throws BAD_ARGUMENT about a message that nobody takes. */
export function demandTaken(message: Message | undefined): void {
  if (message?.status === "rejected") throw new WeftError("BAD_ARGUMENT", "this message was rejected: retry it")
}

function demandText(text: unknown): void {
  if (typeof text !== "string" || text.trim().length === 0)
    throw new WeftError("BAD_ARGUMENT", "a message needs a text")
  if (!isWellFormed(text)) throw new WeftError("BAD_ARGUMENT", "the text holds half of a surrogate pair")
}
