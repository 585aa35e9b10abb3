import { SEGMENT_MESSAGES, type DocumentName } from "@weft/sdk/protocol"
import { makeLog } from "../support/device.ts"
import { createConversation, greet, introduce, message, push, type Member } from "./line/weft-device.ts"
import { realTexts } from "./real-text.ts"

/** Messages under one seal: what was written offline, or by a bridge. */
const SEALED_TOGETHER = 64

/** A conversation on a server, as its author knows it. */
export interface Written {
  readonly id: string
  segment(number: number): DocumentName
  readonly seen: Awaited<ReturnType<typeof introduce>>
}

/** A user who fills a server with conversations, for others to fetch. */
export class Historian {
  readonly #member: Member

  private constructor(member: Member) {
    this.#member = member
  }

  static async connect(url: string): Promise<Historian> {
    return new Historian(await greet(url, "historian"))
  }

  /** A conversation with so many messages, segment after segment; its id. */
  async write(title: string, reader: string, count: number): Promise<string> {
    return (await this.open(title, reader, count)).id
  }

  /** The same, to be gone on with. */
  async open(title: string, reader: string, count: number): Promise<Written> {
    const conversation = await createConversation(this.#member, title, [reader])
    const seen = await introduce(this.#member, conversation)
    const texts = await realTexts(Math.min(count, SEGMENT_MESSAGES))
    for (let from = 0, segment = 1; from < count; from += SEGMENT_MESSAGES, segment++) {
      const document = conversation.segment(segment)
      const log = makeLog(this.#member.device, document)
      const some = texts.slice(0, count - from)
      for (let at = 0; at < some.length; at += SEALED_TOGETHER) {
        await log.seal(...some.slice(at, at + SEALED_TOGETHER).map((text) => message(text, seen)))
      }
      await push(this.#member, document, log.whole)
    }
    return { id: conversation.id, segment: (number) => conversation.segment(number), seen }
  }

  /** Adds messages to the first segment of a conversation, in a log of their own. */
  async add({ segment, seen }: Written, count: number): Promise<void> {
    const document = segment(1)
    const log = makeLog(this.#member.device, document)
    await log.seal(...(await realTexts(count)).map((text) => message(text, seen)))
    await push(this.#member, document, log.whole)
  }

  close(): void {
    this.#member.socket.close()
  }
}
