/*
 * What tutorials do: a Y.Array of Y.Map in y-indexeddb, one database for each conversation.
 */
import { IndexeddbPersistence } from "y-indexeddb"
import * as Y from "yjs"
import { paint, type Painted } from "./painted.ts"

/** Messages that are written in one transaction: one by one would only take longer to prepare. */
const WRITTEN_AT_ONCE = 500
/** Databases that are opened at once. */
const OPENED_AT_ONCE = 50

declare global {
  interface Window {
    naive: {
      fill(name: string, texts: readonly string[], count: number): Promise<void>
      fillMany(conversations: number, texts: readonly string[]): Promise<void>
      open(name: string, messages: number): Promise<Painted>
      list(conversations: number): Promise<Painted>
    }
  }
}

type Messages = Y.Array<Y.Map<string | number>>

async function openDocument(name: string): Promise<{ messages: Messages; close: () => Promise<void> }> {
  const document = new Y.Doc()
  const persistence = new IndexeddbPersistence(name, document)
  await persistence.whenSynced
  const close = async (): Promise<void> => {
    if (persistence.db !== null) await stored(persistence.db)
    await persistence.destroy()
  }
  return { messages: document.getArray("messages"), close }
}

/** What was handed to the database is there: a page that goes before takes it along. */
function stored(database: IDBDatabase): Promise<void> {
  const transaction = database.transaction("updates", "readwrite")
  return new Promise((resolve, reject) => {
    transaction.oncomplete = () => resolve()
    transaction.onabort = () => reject(transaction.error ?? new Error("the transaction was aborted"))
  })
}

function write({ messages }: { messages: Messages }, texts: readonly string[], from: number, to: number): void {
  messages.doc?.transact(() => {
    for (let number = from; number < to; number++) {
      const message = new Y.Map<string | number>()
      message.set("id", `message-${number}`)
      message.set("author", `author-${number % 10}`)
      message.set("text", texts[number % texts.length] ?? "")
      message.set("at", number)
      messages.push([message])
    }
  })
}

async function inPortions<T>(count: number, make: (number: number) => Promise<T>): Promise<T[]> {
  const made: T[] = []
  for (let from = 0; from < count; from += OPENED_AT_ONCE) {
    const portion = Array.from({ length: Math.min(OPENED_AT_ONCE, count - from) }, (_, index) => make(from + index))
    made.push(...(await Promise.all(portion)))
  }
  return made
}

const textOf = (message: Y.Map<string | number> | undefined): string => String(message?.get("text"))

window.naive = {
  async fill(name, texts, count) {
    const opened = await openDocument(name)
    for (let from = 0; from < count; from += WRITTEN_AT_ONCE) {
      write(opened, texts, from, Math.min(count, from + WRITTEN_AT_ONCE))
    }
    await opened.close()
  },
  async fillMany(conversations, texts) {
    await inPortions(conversations, async (number) => {
      const opened = await openDocument(`conversation-${number}`)
      write(opened, texts, 0, texts.length)
      await opened.close()
    })
  },
  async open(name, count) {
    const start = performance.now()
    const { messages } = await openDocument(name)
    if (messages.length < count) throw new Error(`${messages.length} messages are there`)
    return paint(start, messages.slice(-count).map(textOf))
  },
  async list(conversations) {
    const start = performance.now()
    const rows = await inPortions(conversations, async (number) => {
      const { messages } = await openDocument(`conversation-${number}`)
      return `conversation ${number} ${textOf(messages.get(messages.length - 1))} ${messages.length}`
    })
    return paint(start, rows)
  },
}
