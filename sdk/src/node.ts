/*
 * `@weft/sdk/node`: the same client without a browser, for bots, bridges and tests. LevelDB holds its conversations.
 */
import * as zlib from "node:zlib"
import { WebSocket } from "ws"
import type { Client, ClientOptions } from "./client/api.js"
import { openClient } from "./client/client.js"
import { onlyTab } from "./client/tab-port.js"
import { openLevelStorage } from "./storage/level.js"
import { webCryptoVerify } from "./identity/verify.js"
import { packing } from "./transport/packing.js"
import { webSocketTransport } from "./transport/websocket.js"
import { zlibDeflate } from "./transport/zlib-deflate.js"

// What was imported of a key serves all clients of a process.
const verify = webCryptoVerify(crypto.subtle)

/** As in a browser, and where LevelDB keeps it. */
export interface NodeClientOptions extends ClientOptions {
  /** Folder of the LevelDB database; made where it is missing. One process at a time. */
  readonly directory?: string
}

/** Opens a device of a user in this process. Rejects with BAD_ARGUMENT, STORE_LOCKED, or another STORE_* code. */
export async function createClient(options: NodeClientOptions): Promise<Client> {
  const directory = options.directory ?? `./weft-${encodeURIComponent(options.user)}`
  const storage = options.storage ?? (await openLevelStorage({ directory }))
  try {
    return await openClient(options, {
      storage,
      transport: packing(webSocketTransport(WebSocket), zlibDeflate(zlib)),
      verify,
      tabs: onlyTab,
      watchNetwork: () => () => undefined,
    })
  } catch (error) {
    await storage.close()
    throw error
  }
}

export { WeftError, type ErrorCode } from "./base/errors.js"
export { createMemoryStorage } from "./storage/memory.js"
export { openLevelStorage, type LevelStorageOptions } from "./storage/level.js"
export type { Client, Conversation, OutgoingMessage, SearchOptions } from "./client/api.js"
export type { Diagnosis, Finding, FindingCode } from "./client/diagnosis.js"
export type { SearchResults } from "./search/live-search.js"
export type { SearchHit } from "./search/search.js"
export type { Message, MessageList, MessageStatus } from "./conversation/message.js"
export type { MessageReceipts, Receipt } from "./conversation/receipts.js"
export type { Presence } from "./sync/signals.js"
