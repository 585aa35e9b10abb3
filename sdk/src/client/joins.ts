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
  /** By the keys that they are stored by. */
  private readonly links = new Map<string, { readonly link: InviteLink; readonly text: string }>()

  constructor(
    private readonly replica: Replica,
    private readonly storage: Storage,
    /** What is stored of a conversation's links is another now. */
    private readonly changed: (conversation: ConversationId) => void,
  ) {}

  /** Reads all that are stored. */
  async load(): Promise<void> {
    await this.enqueue(async () => {
      await this.read("")
      for (const { conversation } of this.all) await this.show(conversation)
    })
  }

  /** Another tab took one in, or used it. */
  async look(conversation: ConversationId): Promise<void> {
    await this.enqueue(async () => {
      await this.read(conversation)
      if (this.has(conversation)) await this.show(conversation)
    })
  }

  /** Those of one conversation, or all. */
  private async read(conversation: ConversationId | ""): Promise<void> {
    const stored = await this.storage.scan(prefixRange(joinsKey(conversation)))
    for (const [key, { link }] of Array.from(this.links)) {
      if (conversation === "" || link.conversation === conversation) this.links.delete(key)
    }
    for (const { key, value } of stored) {
      const text = utf8Text(value) ?? ""
      const link = parseLink(text)
      if (link !== undefined) this.links.set(key, { link, text })
    }
  }

  /** Also before anything of it is here. */
  private show(conversation: ConversationId): Promise<void> {
    return this.replica.attempt(() => this.replica.conversation(conversation))
  }

  has(conversation: ConversationId): boolean {
    return this.all.some((link) => link.conversation === conversation)
  }

  get all(): readonly InviteLink[] {
    return Array.from(this.links.values(), ({ link }) => link)
  }

  /** Durable when it resolves. */
  async add(text: string): Promise<void> {
    const link = parseLink(text)
    if (link === undefined) return
    await this.enqueue(async () => {
      const key = joinKey(link)
      await this.storage.write([{ kind: "put", key, value: utf8(text) }], { durability: "strict" })
      this.links.set(key, { link, text })
    })
    this.changed(link.conversation)
  }

  /** Writes an entry for each link, where a server certified this device. */
  async write(certificate: Certificate | undefined): Promise<void> {
    if (certificate !== undefined) await this.enqueue(() => this.writeAll(certificate))
  }

  private async writeAll(certificate: Certificate): Promise<void> {
    for (const key of Array.from(this.links.keys())) await this.replica.attempt(() => this.writeOne(key, certificate))
  }

  private async writeOne(key: string, certificate: Certificate): Promise<void> {
    const found = this.links.get(key)
    if (found === undefined) return
    const { link, text } = found
    const { conversation: id, invite, secret } = link
    await this.replica.using(id, async (conversation) => {
      if (!conversation.state.members.has(certificate.user) && !(await conversation.isJoiningBy(invite))) {
        const claim = { conversation: id, invite, device: this.replica.device, user: certificate.user }
        const [publicKey, proof] = await Promise.all([inviteKey(secret), signJoin(secret, claim)])
        await conversation.govern({ kind: "join", certificate, key: publicKey, proof }, [invite])
      }
      // The entry is a draft now: what becomes of it is in the conversation's changes.
      await conversation.controlDocument.save()
    })
    await this.forget(key, id, text)
    this.changed(id)
  }

  /** What another tab took in since stays: that tab tells of it. */
  private async forget(key: string, id: ConversationId, text: string): Promise<void> {
    try {
      await this.storage.write([{ kind: "delete", key }], { durability: "relaxed", guard: { key, value: utf8(text) } })
      this.links.delete(key)
    } catch (error) {
      if (!(error instanceof WeftError) || error.code !== "STORE_FENCED") throw error
      await this.read(id)
    }
  }
}

function joinKey({ conversation, invite }: InviteLink): string {
  return `${joinsKey(conversation)}/${invite}`
}

/** What all links into a conversation begin with; an earlier version stored one, by this alone. */
function joinsKey(conversation: ConversationId | ""): string {
  return settingKey(`join/${conversation}`)
}
