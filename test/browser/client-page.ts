/*
 * A page without a user interface: tests drive a client in it through `weft`.
 */
import { IndexeddbPersistence } from "y-indexeddb"
import { createClient, type Client, type Conversation } from "@weft/sdk"

interface Driver {
  open(user: string, servers: string[]): Promise<string>
  create(title: string, members: string[]): Promise<string>
  /** Resolves when the conversation is there. */
  has(id: string): Promise<void>
  /** Writes at once; the returned id is the message's. */
  send(id: string, text: string): string
  reached(id: string, message: string, status: "saved" | "sent"): Promise<void>
  /** Resolves when exactly these texts are there, in any order. */
  shows(id: string, texts: string[]): Promise<void>
  messages(id: string): { text: string | undefined; status: string; id: string }[]
  status(): ReturnType<Client["status"]["get"]>
  /** Resolves when this tab is the writer. */
  writes(): Promise<void>
  synced(): Promise<void>
  digest(id: string): Promise<string>
  /** Resolves with the code of the storage's failure. */
  failing(): Promise<string>
  /** Opens a device of its own beside the others of this browser. */
  openNamed(user: string, name: string): Promise<string>
  /** Lets y-indexeddb carry a conversation; resolves when all its documents are written there. */
  carry(id: string, documents: number): Promise<void>
  /** What is typed and not sent: sets it, or waits until its words are these, in any order. */
  type(id: string, text: string): void
  drafted(id: string, words: string[]): Promise<string>
  archive(id: string): void
  archived(id: string): Promise<void>
  offline(): void
  online(): void
  close(): Promise<void>
}

declare global {
  interface Window {
    weft: Driver
  }
}

let client: Client

function when<T>(source: { get(): T; subscribe(listener: () => void): () => void }, passes: (value: T) => boolean) {
  return new Promise<T>((resolve) => {
    let stop = (): void => undefined
    const look = (): boolean => {
      const value = source.get()
      if (!passes(value)) return false
      stop()
      resolve(value)
      return true
    }
    if (!look()) stop = source.subscribe(look)
  })
}

function conversation(id: string): Conversation {
  const found = client.conversation(id)
  if (found === undefined) throw new Error(`no conversation ${id}`)
  return found
}

window.weft = {
  async open(user, servers) {
    client = await createClient({ user, servers })
    return client.device
  },
  async create(title, members) {
    return (await client.createConversation({ title, members })).id
  },
  async has(id) {
    await when(client.conversations, (all) => all.some((one) => one.id === id))
  },
  send: (id, text) => conversation(id).send(text).id,
  async reached(id, message, status) {
    const ranks = ["saving", "saved", "sent", "delivered", "read"]
    await when(conversation(id).messages, ({ items }) =>
      items.some((item) => item.id === message && ranks.indexOf(item.status) >= ranks.indexOf(status)),
    )
  },
  async shows(id, texts) {
    const wanted = JSON.stringify(texts.slice().sort())
    await when(
      conversation(id).messages,
      ({ items }) => JSON.stringify(items.map(({ text }) => text).sort()) === wanted,
    )
  },
  messages: (id) =>
    conversation(id)
      .messages.get()
      .items.map(({ text, status, id: message }) => ({ text, status, id: message })),
  status: () => client.status.get(),
  async writes() {
    await when(client.status, ({ tab }) => tab === "writer")
  },
  synced: () => client.synced(),
  digest: (id) => conversation(id).digest(),
  async failing() {
    const { storage } = await when(client.status, (status) => status.storage.kind === "failing")
    return storage.kind === "failing" ? storage.code : ""
  },
  async openNamed(user, name) {
    client = await createClient({ user, name })
    return client.device
  },
  async carry(id, documents) {
    const carried = await client.openConversation(id)
    await new Promise<void>((resolve) => {
      let synced = 0
      carried.attach((document, mirror) => {
        const persistence = new IndexeddbPersistence(document, mirror)
        persistence.once("synced", () => {
          if (++synced === documents) resolve()
        })
        return persistence
      })
    })
  },
  type: (id, text) => {
    conversation(id).draft.set(text)
  },
  drafted: (id, words) =>
    when(
      conversation(id).draft,
      (text) => text.split(" ").filter(Boolean).sort().join() === words.slice().sort().join(),
    ),
  archive: (id) => {
    conversation(id).setArchived(true)
  },
  async archived(id) {
    await when(conversation(id).settings, ({ archived }) => archived)
  },
  offline: () => {
    client.goOffline()
  },
  online: () => {
    client.goOnline()
  },
  close: () => client.close(),
}
