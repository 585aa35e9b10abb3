/*
 * Run as a child of a chaos run: a process that holds clients, writes what it is told to, and tells what they see. It
 * judges nothing. Ends with its parent.
 */
import { createClient, createMemoryStorage, type Client, type Conversation, type Message } from "@weft/sdk/node"
import { projectionHash } from "../replay/replay.ts"
import { conversationOf, until } from "../support/until.ts"
import type { Answer, ClientView, HostEvent, Opening, Request, Told } from "./host-protocol.ts"

const clients = new Map<number, Client>()

function tell(message: Told): void {
  process.send?.(message)
}

function emit(event: HostEvent): void {
  tell({ event })
}

async function open({ client, user, servers, directory }: Opening): Promise<void> {
  const storage = directory === undefined ? { storage: createMemoryStorage() } : { directory }
  clients.set(client, await createClient({ user, servers, ...storage }))
}

function demandClient(client: number): Client {
  const found = clients.get(client)
  if (found === undefined) throw new TypeError(`client ${client} is not here`)
  return found
}

function write(client: number, id: string, text: string): void {
  const conversation = demandClient(client).conversation(id)
  if (conversation === undefined) throw new TypeError(`client ${client} does not have the conversation`)
  const message = conversation.send(text)
  for (const status of ["saved", "sent"] as const) {
    message.reached(status).then(
      () => emit({ kind: status, text }),
      () => emit({ kind: "rejected", text }),
    )
  }
}

/** All of a conversation, from its beginning. */
async function readAll(conversation: Conversation): Promise<readonly Message[]> {
  for (;;) {
    const { items, complete } = await until(conversation.messages, ({ state }) => state === "ready")
    if (complete) return items
    await conversation.loadOlder()
  }
}

async function viewOf(index: number, client: Client, whole: boolean): Promise<ClientView> {
  const { connection, pending } = client.status.get()
  const conversations = []
  for (const conversation of client.conversations.get()) {
    const items = whole ? await readAll(conversation) : conversation.messages.get().items
    const own = items.filter(({ device }) => device === client.device)
    conversations.push({
      id: conversation.id,
      digest: await conversation.digest(),
      projection: whole ? projectionHash(conversation) : "",
      unsettled: own.filter(({ status }) => status === "saving" || status === "saved").length,
      rejected: own.flatMap(({ status, text }) => (status === "rejected" && text !== undefined ? [text] : [])),
    })
  }
  return { client: index, connection: JSON.stringify(connection), pending: JSON.stringify(pending), conversations }
}

async function answer(request: Request): Promise<Answer> {
  switch (request.kind) {
    case "open":
      for (const opening of request.clients) await open(opening)
      return {}
    case "create": {
      const { client, title, members } = request
      return { conversation: (await demandClient(client).createConversation({ title, members })).id }
    }
    case "join": {
      const conversation = await conversationOf(demandClient(request.client), request.conversation)
      await until(conversation.info, ({ role }) => role !== undefined)
      return {}
    }
    case "write":
      write(request.client, request.conversation, request.text)
      return {}
    case "views": {
      const views = []
      for (const [index, client] of clients) views.push(await viewOf(index, client, request.whole))
      return { views }
    }
    case "read": {
      const conversation = demandClient(request.client).conversation(request.conversation)
      const items = conversation === undefined ? [] : await readAll(conversation)
      const from = request.newest === undefined ? 0 : Math.max(0, items.length - request.newest)
      return {
        items: items.slice(from).map(({ author, text, form, status, device }) => ({
          author,
          text: text ?? form,
          status,
          mine: device === clients.get(request.client)?.device,
        })),
      }
    }
    case "close":
      for (const client of clients.values()) await client.close()
      return {}
  }
}

process.on("message", (message: { id: number; request: Request }) => {
  answer(message.request).then(
    (result) => tell({ id: message.id, answer: result }),
    (error: unknown) => tell({ id: message.id, error: String(error) }),
  )
})
// Its parent counts these as failures of the run.
process.on("uncaughtException", (error) => emit({ kind: "crashed", error: error.stack ?? String(error) }))
process.on("unhandledRejection", (error) => {
  emit({ kind: "crashed", error: error instanceof Error ? (error.stack ?? error.message) : String(error) })
})
process.on("disconnect", () => process.exit(1))
// An interruption is the parent's to handle; in a terminal it reaches every process.
process.on("SIGINT", () => undefined)
emit({ kind: "ready" })
