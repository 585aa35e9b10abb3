import { conversationOf, encodeFrame, type Deflate, type DocumentName } from "@weft/sdk/protocol"
import type { Authenticate } from "./auth/authenticate.js"
import { loadServerKey } from "./auth/server-key.js"
import { loadTrust } from "./auth/trust.js"
import type { Verifier } from "./auth/verifier.js"
import type { AwarenessRoom } from "./connection/awareness.js"
import type { Channel, Dial } from "./connection/channel.js"
import { Clients } from "./connection/clients.js"
import { FanOut } from "./connection/fan-out.js"
import { FrameConnection, type ConnectionPorts } from "./connection/frame-connection.js"
import { Packer } from "./connection/packer.js"
import { PeerOrigins } from "./connection/peer-origins.js"
import { StockConnection, type StockPorts } from "./connection/stock-connection.js"
import { Presence } from "./connection/presence.js"
import { RegisterRelay } from "./connection/register-relay.js"
import { SyncSession } from "./connection/sync-session.js"
import { Accounts } from "./document/accounts.js"
import { isDamage } from "./document/damage.js"
import { DigestTable } from "./document/digest-table.js"
import { Registry } from "./document/registry.js"
import { rebuildIndex } from "./document/rebuild-index.js"
import { repairAccounts } from "./document/repair-accounts.js"
import { repairDocuments, type RepairPorts } from "./document/repair.js"
import { UserIndex } from "./document/user-index.js"
import { createBreather, repeat, within, type ServerEnv } from "./env.js"
import type { Limits } from "./limits/limits.js"
import { Rates } from "./limits/rates.js"
import { Semaphore } from "./limits/semaphore.js"
import { Slots } from "./limits/slots.js"
import type { CoreState } from "./observe/debug-report.js"
import type { Log } from "./observe/log.js"
import type { Metrics } from "./observe/metrics.js"
import type { AckLevel } from "./peer/copies.js"
import { PeerLink } from "./peer/link.js"
import type { Database } from "./store/database.js"
import { openStore } from "./store/level-store.js"
import { createMerger } from "./store/merge.js"
import type { StoredName } from "./store/store.js"

const SWEEP_MS = 5_000
/** Enough for the disk and the threads that read it; the rest waits as the bytes that came. */
const CONVERSATIONS_AT_ONCE = 64
/** How late a moderator's erasure may be carried out that came due, or one that a crash left. */
const ERASURES_MS = 3_600_000

export interface CoreOptions {
  /** Anybody is whoever they say. */
  readonly dev: boolean
  readonly limits: Limits
  readonly peerToken?: string | undefined
  readonly trust?: readonly Uint8Array[] | undefined
  readonly ack?: AckLevel | undefined
  /** Keeps the bytes of documents that can't be read, so that they may be cut down to what can. Undefined: they are left alone. */
  readonly repair?: RepairPorts["keep"] | undefined
}

/** What a server runs on. */
export interface CorePorts {
  readonly env: ServerEnv
  /** Belongs to the core from now on. */
  readonly database: Database
  readonly dial: Dial
  /** Packs and unpacks large frames. */
  readonly deflate: Deflate
  readonly authenticate: Authenticate
  readonly verifier: Verifier
  readonly log: Log
  readonly metrics: Metrics
  /** Milliseconds since any moment, for the metrics of commits. */
  readonly elapsed?: () => number
}

/** A sync server without its surroundings: whatever listens hands it channels. */
export interface ServerCore {
  /** Ed25519; 32 bytes. */
  readonly publicKey: Uint8Array
  /** Digests of all that is durable here. */
  readonly digests: DigestTable
  /** True once a stop has begun: nobody new is let in. */
  readonly isDraining: boolean
  /** True while the store refuses writes. */
  readonly failed: boolean
  /** How store and connections are doing. */
  inspect(): Promise<CoreState>
  /** Takes a channel at /sync. `release` is called when it has closed. */
  accept(channel: Channel, release: () => void): void
  /** Takes a channel at /y/<document>. */
  acceptStock(
    channel: Channel,
    request: { readonly document: DocumentName; readonly token: string },
    release: () => void,
  ): void
  /** Keeps a link to another server. */
  connect(url: string): void
  /** Reads nothing more, answers what came in, and closes every connection; not longer than `limits.drainMs`. */
  drain(): Promise<void>
  /** Closes the store. */
  close(): Promise<void>
}

/** Opens the store and puts everything together on it. Rejects with STORE_*; the database is closed then. */
export async function openCore(options: CoreOptions, ports: CorePorts): Promise<ServerCore> {
  const { limits } = options
  const { env, log, metrics, verifier } = ports
  const now = (): number => env.now()
  const store = await openStore(ports.database, {
    env,
    ...(ports.elapsed && { elapsed: ports.elapsed }),
    onCommit: ({ ms }) => {
      metrics.fsyncSeconds.observe(ms / 1000)
    },
    onFailure: (error) => {
      log.error({ err: error }, "the store refuses writes: nothing is acknowledged until it has recovered")
    },
    onRecovery: () => {
      log.warn("the store takes writes again")
    },
  })
  try {
    const key = await loadServerKey(store, env)
    const fanOut = new FanOut(env.defer, (sent) => {
      metrics.fanOut.inc(sent)
    })
    const trust = await loadTrust(store, key.publicKey, options.trust ?? [], (keys) => {
      fanOut.passToDevices(encodeFrame({ kind: "trust", keys }))
    })
    const breathe = createBreather(env)
    if (options.repair !== undefined) {
      await repairDocuments({ store, verifier, log, breathe, keep: options.repair })
      await repairAccounts({ store, log, breathe, keep: options.repair })
    }
    const digests = new DigestTable(store)
    const index = new UserIndex(store)
    const written = new Rates({ perSecond: limits.entriesPerSecond, burst: limits.entryBurst })
    const relayed = new Rates({ perSecond: limits.relayedPerSecond, burst: limits.relayedBurst })
    const registered = new Rates({ perSecond: limits.registersPerSecond, burst: limits.registerBurst })
    const registerRelay = new RegisterRelay(env, fanOut)
    const presence = new Presence({
      env,
      conversations: (user) => index.conversations(user),
      members: (conversation) => registry.conversation(conversation).members(),
      onFrames: (frames) => {
        metrics.signalFrames.inc(frames)
      },
    })
    const ack = options.ack ?? { kind: "local" }
    const quarantined = new Set<StoredName>()
    const merger = createMerger({
      store,
      env,
      contextOf: (document) => registry.conversation(conversationOf(document)).mergeContext(document),
      onMerged: (document, fewer) => {
        metrics.merges.inc()
        registry.active(conversationOf(document))?.merged(document, fewer)
      },
      onFailure: (document, error) => {
        log.error({ err: error, document }, "a document could not be merged")
        if (!isDamage(error)) return
        registry
          .conversation(conversationOf(document))
          .quarantine(document, error)
          .catch((failure: unknown) => {
            log.error({ err: failure, document }, "a document could not be quarantined")
          })
      },
    })
    const registry: Registry = new Registry({
      store,
      verifier,
      digests,
      index,
      limits,
      written,
      relayed,
      registered,
      metrics,
      log,
      now,
      breathe,
      entering: new Semaphore(CONVERSATIONS_AT_ONCE),
      awaitsPeers: ack.kind === "peers",
      quarantined,
      merge: (document) => {
        merger.request(document)
      },
      relay: (change) => {
        fanOut.relay(change)
      },
      relayRegisters: (news) => {
        registerRelay.add(news)
      },
      letOut: (conversation, users) => {
        registerRelay.letOut(conversation, users)
        presence.letOut(conversation, users)
      },
      letIn: (conversation, users) => {
        for (const user of users) {
          for (const subscriber of fanOut.connectionsOf(user)) {
            if (subscriber instanceof SyncSession) subscriber.letIn(conversation)
          }
        }
        presence.letIn(conversation, users)
      },
    })
    const accounts = new Accounts({
      store,
      env,
      metrics,
      log,
      written,
      quarantined,
      awaitsPeers: ack.kind === "peers",
      relay: (change) => {
        fanOut.relayAccount(change)
      },
    })
    await rebuildIndex(store, digests, registry, index, log, options.repair !== undefined)

    const clients = new Clients()
    const peerOrigins = new PeerOrigins()
    const packer = new Packer(ports.deflate)
    const shared = { env, limits, ack, registry, accounts, digests, index, metrics, log, breathe, presence }
    const connectionPorts: ConnectionPorts & StockPorts = {
      ...shared,
      authenticate: ports.authenticate,
      verifier,
      key,
      peerToken: options.peerToken,
      dev: options.dev,
      trust,
      incarnation: store.incarnation,
      fanOut,
      clients,
      users: new Slots(),
      stockUsers: new Slots(),
      rooms: new Map<DocumentName, AwarenessRoom>(),
      peerOrigins,
      packer,
    }
    metrics.gauge("weft_active_documents", "Documents in memory", function () {
      this.set(registry.documentCount)
    })
    metrics.gauge("weft_unsent_bytes", "Bytes that connections have not read yet", function () {
      this.set(clients.unsentBytes)
    })
    metrics.gauge("weft_watched_conversations", "Conversations that connected devices show", function () {
      this.set(presence.watchedCount)
    })
    const links: PeerLink[] = []
    const stopSweeps = repeat(env, Math.min(SWEEP_MS, limits.idleMs / 2), () => {
      clients.expire(env.now() - limits.idleMs)
      registry.sweep()
      written.sweep(env.now())
      relayed.sweep(env.now())
      registered.sweep(env.now())
    })
    const erase = (): void => {
      store.erasing(env.now()).then(
        (documents) => {
          for (const document of documents) merger.request(document)
        },
        (error: unknown) => {
          log.error({ err: error }, "what is to be erased could not be looked up")
        },
      )
    }
    erase()
    const stopErasing = repeat(env, ERASURES_MS, erase)
    let draining = false
    return {
      publicKey: key.publicKey,
      digests,
      get isDraining() {
        return draining
      },
      get failed() {
        return store.failed
      },
      inspect: async () => {
        // A disk that can't be asked is no reason to say nothing of the rest.
        const space = await store.space().catch(() => undefined)
        const documents = await store.countDocuments().catch(() => undefined)
        return {
          store: {
            failing: store.failed,
            documents,
            documentsInMemory: registry.documentCount,
            pendingWrites: store.pendingWrites,
            usedBytes: space?.usedBytes,
            freeBytes: space?.freeBytes,
          },
          unsentBytes: clients.unsentBytes,
          slowest: clients.slowest.map(({ unsentBytes, heardAt }) => ({ unsentBytes, silentMs: env.now() - heardAt })),
        }
      },
      accept: (channel, release) => {
        new FrameConnection(channel, connectionPorts, release)
      },
      acceptStock: (channel, request, release) => {
        new StockConnection(channel, request, connectionPorts, release)
      },
      connect: (url) => {
        const { dial } = ports
        links.push(
          new PeerLink(url, { ...shared, key, trust, fanOut, peerOrigins, packer, peerToken: options.peerToken, dial }),
        )
      },
      drain: async () => {
        draining = true
        stopSweeps()
        stopErasing()
        try {
          await within(env, limits.drainMs, async () => {
            await clients.drain()
            // Not before: what is being answered may wait for its copies.
            await Promise.allSettled(links.map((link) => link.close()))
            await registry.settled()
            await accounts.settled()
          })
        } finally {
          // Whoever did not read its answers in time.
          clients.end()
          for (const link of links) link.end()
        }
      },
      close: async () => {
        stopSweeps()
        stopErasing()
        registerRelay.stop()
        presence.stop()
        await merger.close()
        await store.close()
      },
    }
  } catch (error) {
    await store.close()
    throw error
  }
}
