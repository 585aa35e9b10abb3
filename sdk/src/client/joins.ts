import { createQueue } from "../base/queue.js"
import { inviteKey, signJoin } from "../authority/invite.js"
import type { Certificate } from "../identity/certificate.js"
import { settingKey } from "../log/keys.js"
import { utf8, utf8Text } from "../protocol/bytes.js"
import type { ConversationId } from "../protocol/names.js"
import { prefixRange, type Storage } from "../storage/storage.js"
import type { Replica } from "../sync/replica.js"
import { parseLink } from "./link.js"

/** Links that are to be used: an entry that joins needs a certificate, which a server gives at the first welcome. */
export class Joins {
  private readonly enqueue = createQueue()
  private readonly links = new Map<ConversationId, string>()

  constructor(
    private readonly replica: Replica,
    private readonly storage: Storage,
  ) {}

  async load(): Promise<void> {
    for (const { value } of await this.storage.scan(prefixRange(joinKey("")))) {
      const text = utf8Text(value) ?? ""
      const link = parseLink(text)
      if (link === undefined) continue
      this.links.set(link.conversation, text)
      // So that it is shown, also before anything of it is here.
      await this.replica.conversation(link.conversation)
    }
  }

  has(conversation: ConversationId): boolean {
    return this.links.has(conversation)
  }

  /** Durable when it resolves. */
  async add(text: string): Promise<void> {
    const link = parseLink(text)
    if (link === undefined) return
    const key = joinKey(link.conversation)
    await this.storage.write([{ kind: "put", key, value: utf8(text) }], { durability: "strict" })
    this.links.set(link.conversation, text)
  }

  /** Writes an entry for each link, where a server certified this device. [SPEC A19] */
  async write(certificate: Certificate | undefined): Promise<void> {
    if (certificate !== undefined) await this.enqueue(() => this.writeAll(certificate))
  }

  private async writeAll(certificate: Certificate): Promise<void> {
    for (const [id, text] of Array.from(this.links)) {
      const link = parseLink(text)
      await this.replica.using(id, async (conversation) => {
        if (link !== undefined && !conversation.state.members.has(certificate.user)) {
          const { invite, secret } = link
          const claim = { conversation: id, invite, device: this.replica.device, user: certificate.user }
          const [key, proof] = await Promise.all([inviteKey(secret), signJoin(secret, claim)])
          await conversation.giveUpJoins()
          await conversation.govern({ kind: "join", certificate, key, proof }, [invite])
        }
        // The entry is a draft now: what becomes of it is in the conversation's changes.
        await conversation.controlDocument.save()
      })
      await this.storage.write([{ kind: "delete", key: joinKey(id) }], { durability: "relaxed" })
      this.links.delete(id)
    }
  }
}

function joinKey(conversation: string): string {
  return settingKey(`join/${conversation}`)
}
