/*
 * `@weft/sdk`: a chat that never loses a word, for web apps.
 */
import type { Client, ClientOptions } from "./client/api.js"
import { openClient } from "./client/client.js"
import { watchPage } from "./client/network.js"
import { browserTabs } from "./client/tabs.js"
import { onlyTab } from "./client/tab-port.js"
import { systemEnv } from "./base/env.js"
import type { SearchIndex } from "./search/search.js"
import { LazyIndex } from "./search/lazy-index.js"
import { WorkerIndex } from "./search/worker-index.js"
import type { Storage } from "./storage/storage.js"
import { openIndexedDbStorage } from "./storage/indexeddb.js"
import { webCryptoVerify } from "./identity/verify.js"
import { hostDeflate } from "./transport/host-deflate.js"
import { packing } from "./transport/packing.js"
import { webSocketTransport } from "./transport/websocket.js"

// What was imported of a key serves all clients of a page.
const verify = webCryptoVerify(crypto.subtle)

/**
 * Opens this browser's device of a user: its conversations from IndexedDB at once, and the connection to the servers
 * beside. Rejects with BAD_ARGUMENT, CRYPTO_UNAVAILABLE, STORE_BLOCKED, STORE_UNAVAILABLE or another STORE_* code.
 */
export async function createClient(options: ClientOptions): Promise<Client> {
  const name = options.name ?? `weft/${options.user}`
  const storage = options.storage ?? (await openIndexedDbStorage({ name }))
  try {
    return await openClient(options, {
      storage,
      transport: packing(webSocketTransport(WebSocket), hostDeflate()),
      verify,
      // A storage of one's own is nobody else's: there is no other tab to agree with.
      tabs: options.storage === undefined ? browserTabs(name) : onlyTab,
      watchNetwork: watchPage,
      searchIndex: (bytes) => searchInWorker(bytes),
    })
  } catch (error) {
    await storage.close()
    throw error
  }
}

/** The search's index in a worker. Where there can be none, it is in this thread, in short turns. */
function searchInWorker(storage: Storage): SearchIndex {
  const here = (): SearchIndex => new LazyIndex(storage, systemEnv)
  try {
    const worker = new Worker(new URL("./search-worker.js", import.meta.url), { type: "module", name: "weft-search" })
    return new WorkerIndex(worker, storage, here)
  } catch {
    // no workers here, or a policy that forbids them
    return here()
  }
}

export type {
  Client,
  ClientOptions,
  HistoryOptions,
  Conversation,
  ConversationInfo,
  ConversationListItem,
  Member,
  OutgoingEdit,
  OutgoingMessage,
  ProviderFactory,
  SendOptions,
  SearchOptions,
} from "./client/api.js"
export type {
  Account,
  AccountState,
  ConversationSettings,
  Privacy,
  TextDraft,
  AccountAct,
  ConversationAct,
  OwnAct,
  UndoResult,
} from "./client/account-api.js"
export type { Unread, UnreadMessages } from "./conversation/unread.js"
export type { Change, Governance, Invite, InviteOptions, Membership, PinnedMessage } from "./client/governance-api.js"
export type { Diagnosis, Finding, FindingCode } from "./client/diagnosis.js"
export type { ConnectionStatus, PendingWork, SyncStatus } from "./client/status.js"
export type {
  Edited,
  Message,
  MessageList,
  MessageStatus,
  OwnRemark,
  Quote,
  Reaction,
  Replies,
  Version,
} from "./conversation/message.js"
export type { GivenMention, Mention } from "./conversation/mention.js"
export type { MessageReceipts, Receipt } from "./conversation/receipts.js"
export type { SearchResults } from "./search/live-search.js"
export type { SearchHit } from "./search/search.js"
export type { Provider } from "./sync/mirror.js"
export type { Presence } from "./sync/signals.js"
export type { Role } from "./authority/role.js"
export type { RefusalCode } from "./protocol/codes.js"
export type { ControlId, MessageId } from "./protocol/entry.js"
export type { ConversationId, DeviceId, UserId } from "./protocol/names.js"
export type { Subscribable } from "./base/store.js"
export type { Env } from "./base/env.js"
export { WeftError, type ErrorCode } from "./base/errors.js"
export type {
  DeviceKeyPair,
  KeyRange,
  Storage,
  StorageEntry,
  StorageEstimate,
  StorageOperation,
  WriteOptions,
} from "./storage/storage.js"
export {
  createMemoryStorage,
  type MemorySnapshot,
  type MemoryStorage,
  type MemoryStorageOptions,
} from "./storage/memory.js"
