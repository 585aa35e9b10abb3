/*
 * A page without a user interface: tests drive a client in it through `weft`.
 */
import { IndexeddbPersistence } from "y-indexeddb"
import { createClient, WeftError, type Client, type Conversation, type MessageId } from "@weft/sdk"

interface Driver {
  open(user: string, servers: string[]): Promise<string>
  create(title: string, members: string[]): Promise<string>
  /** Resolves when the conversation is there. */
  has(id: string): Promise<void>
  /** Writes at once; the returned id is the message's. */
  send(id: string, text: string): string
  reached(id: string, message: string, status: "saved" | "sent"): Promise<void>
  erase(id: string, message: string): Promise<void>
  /** Resolves when so many messages are shown as erased. */
  gone(id: string, messages: number): Promise<void>
  /** Whether what was erased is taken out of the browser's files, as far as the browser can be told to. */
  isCompacted(): Promise<boolean>
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
  /** Keeps whoever writes to what this browser stores of the client waiting, until it is let go. */
  hold(): Promise<void>
  letGo(): void
  archive(id: string): void
  archived(id: string): Promise<void>
  offline(): void
  online(): void
  addServer(url: string): void
  /** Resolves when this tab, or the one that writes, has a connection. */
  connected(): Promise<void>
  /** Opens a device that keeps so many messages of each conversation, and soon lets go of what nobody looks at. */
  openKeeping(user: string, servers: string[], keep: number): Promise<void>
  /** Bytes of the accepted updates that IndexedDB holds of each segment, by its number; 0: it is away. */
  held(id: string): Promise<Record<number, number>>
  /** Resolves when exactly these segments are away. */
  away(id: string, segments: number[]): Promise<void>
  /** The list as it is, once it is read: how many messages, which ones at its ends, and whether that is all. */
  list(id: string): Promise<{ count: number; first: string; last: string; complete: boolean; unread: number }>
  /** The row of the conversation in the list of conversations: its last text and what is unread. */
  row(id: string): { last: string | undefined; unread: number } | undefined
  /** Resolves when so many messages are in the list. */
  counts(id: string, messages: number): Promise<void>
  unread(id: string, messages: number): Promise<void>
  markRead(id: string): void
  markUnread(id: string, message: string): void
  /** Resolve with the error's code where there is one. */
  loadOlder(id: string): Promise<string>
  loadTo(id: string, message: string, segment: number): Promise<string>
  releaseOlder(id: string): Promise<void>
  /** Resolves when the search finds it; with its segment. */
  finds(text: string): Promise<number>
  close(): Promise<void>
}

declare global {
  interface Window {
    weft: Driver
  }
}

let client: Client
let isHeld = false

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

/** Resolves with the code of what it rejects with; with nothing where it is well. */
async function codeOf(work: Promise<unknown>): Promise<string> {
  try {
    await work
    return ""
  } catch (error) {
    return error instanceof WeftError ? error.code : String(error)
  }
}

/** The database that has a client's rows now. */
async function placeOf(name: string): Promise<{ readonly at: string; readonly left: readonly string[] }> {
  const home = await opened(`${name}\n`)
  try {
    return await new Promise((resolve, reject) => {
      const request = home.transaction("place").objectStore("place").get("place")
      request.onerror = () => reject(request.error ?? new Error("not read"))
      request.onsuccess = () => resolve(request.result as { at: string; left: string[] })
    })
  } finally {
    home.close()
  }
}

function opened(name: string): Promise<IDBDatabase> {
  return new Promise((resolve, reject) => {
    const request = indexedDB.open(name)
    request.onerror = () => reject(request.error ?? new Error("not opened"))
    request.onsuccess = () => resolve(request.result)
  })
}

/** All rows of a client beside the client's own connection to it. */
async function rowsOf(name: string, prefix: string): Promise<[key: string, value: Uint8Array][]> {
  const database = await opened((await placeOf(name)).at)
  try {
    return await new Promise((resolve, reject) => {
      const transaction = database.transaction("entries", "readonly")
      const range = IDBKeyRange.bound(prefix, `${prefix}\uffff`)
      const keys = transaction.objectStore("entries").getAllKeys(range)
      const values = transaction.objectStore("entries").getAll(range)
      transaction.onabort = () => reject(transaction.error ?? new Error("not read"))
      transaction.oncomplete = () => {
        resolve(keys.result.map((key, index) => [key as string, values.result[index] as Uint8Array]))
      }
    })
  } finally {
    database.close()
  }
}

async function heldOf(id: string): Promise<Record<number, number>> {
  const held: Record<number, number> = {}
  for (const [key, value] of await rowsOf(`weft/${client.user}`, `u/c/${id}/`)) {
    const segment = Number(key.split("/")[3])
    if (Number.isInteger(segment)) held[segment] = (held[segment] ?? 0) + value.length
  }
  return held
}

/** Resolves when a transaction in which everything can be written has begun; it ends when nobody holds it any more. */
async function holdEntries(name: string): Promise<void> {
  const database = await opened((await placeOf(name)).at)
  const store = database.transaction("entries", "readwrite").objectStore("entries")
  isHeld = true
  return new Promise((resolve) => {
    const again = (): void => {
      store.count().onsuccess = () => {
        resolve()
        if (isHeld) again()
        else database.close()
      }
    }
    again()
  })
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
  async erase(id, message) {
    await conversation(id).erase(message as MessageId)
  },
  async gone(id, messages) {
    await when(
      conversation(id).messages,
      ({ items }) => items.filter(({ form }) => form === "erased").length === messages,
    )
  },
  async isCompacted() {
    const rows = await rowsOf(`weft/${client.user}`, "m/compacted")
    return rows.length > 0 && (await rowsOf(`weft/${client.user}`, "e/")).length === 0
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
  hold: () => holdEntries(`weft/${client.user}`),
  letGo: () => {
    isHeld = false
  },
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
  addServer: (url) => {
    client.addServer(url)
  },
  async connected() {
    await when(client.status, ({ connection }) => connection.kind === "online")
  },
  async openKeeping(user, servers, keep) {
    client = await createClient({ user, servers, history: { keep }, releaseAfterMs: 2000 })
    // what changes is indexed at once while somebody searches, and nothing leaves before that
    client.search("nothing").subscribe(() => undefined)
    client.list.subscribe(() => undefined)
  },
  held: heldOf,
  async away(id, segments) {
    for (;;) {
      const held = await heldOf(id)
      const away = Object.entries(held).flatMap(([segment, bytes]) => (bytes === 0 ? [Number(segment)] : []))
      if (JSON.stringify(away) === JSON.stringify(segments)) return
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
  },
  async list(id) {
    const { messages, unread } = conversation(id)
    const { items, complete } = await when(messages, ({ state }) => state === "ready")
    await when(unread, ({ counted }) => counted)
    const [first, last] = [items.at(0)?.text ?? "", items.at(-1)?.text ?? ""]
    return { count: items.length, first, last, complete, unread: unread.get().count }
  },
  row: (id) => {
    const row = client.list.get().find(({ conversation: { id: of } }) => of === id)
    return row && { last: row.info.lastMessage?.text, unread: row.unread.count }
  },
  async counts(id, messages) {
    await when(conversation(id).messages, ({ items }) => items.length === messages)
  },
  async unread(id, messages) {
    await when(conversation(id).unread, ({ count }) => count === messages)
  },
  markRead: (id) => {
    conversation(id).markRead()
  },
  markUnread: (id, message) => {
    conversation(id).markUnread(message as MessageId)
  },
  loadOlder: (id) => codeOf(conversation(id).loadOlder()),
  loadTo: (id, message, segment) => codeOf(conversation(id).loadTo(message as MessageId, segment)),
  releaseOlder: (id) => conversation(id).releaseOlder(),
  async finds(text) {
    const { hits } = await when(client.search(text), ({ hits: found }) => found.some((hit) => hit.text === text))
    return hits.find((hit) => hit.text === text)?.segment ?? 0
  },
  close: () => client.close(),
}
