import { SEGMENT_MESSAGES } from "@weft/sdk/protocol"
import { makeLog } from "../support/device.ts"
import { createConversation, greet, introduce, message, push, type Member } from "./line/weft-device.ts"
import { realTexts } from "./real-text.ts"

/** Messages under one seal: what was written offline, or by a bridge. */
const SEALED_TOGETHER = 64

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
    return conversation.id
  }

  close(): void {
    this.#member.socket.close()
  }
}
