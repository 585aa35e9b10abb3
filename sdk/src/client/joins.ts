import { WeftError } from "../base/errors.js"
import { createQueue } from "../base/queue.js"
import { inviteKey, signJoin } from "../authority/invite.js"
import type { Certificate } from "../identity/certificate.js"
import { settingKey } from "../log/keys.js"
import { utf8, utf8Text } from "../protocol/bytes.js"
import type { ConversationId } from "../protocol/names.js"
import { prefixRange, type Storage } from "../storage/storage.js"
import type { Replica } from "../sync/replica.js"
import { parseLink, type InviteLink } from "./link.js"

/**
 * Links that are to be used: an entry that joins needs a certificate, which a server gives at the first welcome. Any tab
 * takes them in; the one that writes, and so meets servers, uses them. [SPEC A19]
 */
export class Joins {
  private readonly enqueue = createQueue()
  private readonly links = new Map<ConversationId, string>()

  constructor(
    private readonly replica: Replica,
    private readonly storage: Storage,
    /** What is stored of a conversation's link is another now. */
    private readonly changed: (conversation: ConversationId) => void,
  ) {}

  /** Reads all that are stored. */
  async load(): Promise<void> {
    await this.enqueue(async () => {
      const stored = await this.storage.scan(prefixRange(joinKey("")))
      this.links.clear()
      for (const { value } of stored) this.take(value)
      for (const id of this.links.keys()) await this.show(id)
    })
  }

  /** Another tab took one in, or used it. */
  async look(conversation: ConversationId): Promise<void> {
    await this.enqueue(async () => {
      await this.read(conversation)
      if (this.has(conversation)) await this.show(conversation)
    })
  }

  private async read(conversation: ConversationId): Promise<void> {
    const stored = await this.storage.get(joinKey(conversation))
    this.links.delete(conversation)
    if (stored !== undefined) this.take(stored)
  }

  private take(value: Uint8Array): void {
    const text = utf8Text(value) ?? ""
    const link = parseLink(text)
    if (link !== undefined) this.links.set(link.conversation, text)
  }

  /** Also before anything of it is here. */
  private show(conversation: ConversationId): Promise<void> {
    return this.replica.attempt(() => this.replica.conversation(conversation))
  }

  has(conversation: ConversationId): boolean {
    return this.links.has(conversation)
  }

  get all(): readonly InviteLink[] {
    return Array.from(this.links.values()).flatMap((text) => parseLink(text) ?? [])
  }

  /** Durable when it resolves. */
  async add(text: string): Promise<void> {
    const link = parseLink(text)
    if (link === undefined) return
    const { conversation } = link
    await this.enqueue(async () => {
      const key = joinKey(conversation)
      await this.storage.write([{ kind: "put", key, value: utf8(text) }], { durability: "strict" })
      this.links.set(conversation, text)
    })
    this.changed(conversation)
  }

  /** Writes an entry for each link, where a server certified this device. */
  async write(certificate: Certificate | undefined): Promise<void> {
    if (certificate !== undefined) await this.enqueue(() => this.writeAll(certificate))
  }

  private async writeAll(certificate: Certificate): Promise<void> {
    for (const text of Array.from(this.links.values())) {
      const link = parseLink(text)
      if (link !== undefined) await this.replica.attempt(() => this.writeOne(link, text, certificate))
    }
  }

  private async writeOne(link: InviteLink, text: string, certificate: Certificate): Promise<void> {
    const { conversation: id, invite, secret } = link
    await this.replica.using(id, async (conversation) => {
      if (!conversation.state.members.has(certificate.user)) {
        const claim = { conversation: id, invite, device: this.replica.device, user: certificate.user }
        const [key, proof] = await Promise.all([inviteKey(secret), signJoin(secret, claim)])
        await conversation.giveUpJoins()
        await conversation.govern({ kind: "join", certificate, key, proof }, [invite])
      }
      // The entry is a draft now: what becomes of it is in the conversation's changes.
      await conversation.controlDocument.save()
    })
    await this.forget(id, text)
    this.changed(id)
  }

  /** Another link that another tab took in since stays: that tab tells of it. */
  private async forget(id: ConversationId, text: string): Promise<void> {
    const key = joinKey(id)
    try {
      await this.storage.write([{ kind: "delete", key }], { durability: "relaxed", guard: { key, value: utf8(text) } })
      this.links.delete(id)
    } catch (error) {
      if (!(error instanceof WeftError) || error.code !== "STORE_FENCED") throw error
      await this.read(id)
    }
  }
}

function joinKey(conversation: string): string {
  return settingKey(`join/${conversation}`)
}
