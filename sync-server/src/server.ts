import { createServer, type Server } from "node:http"
import type { AddressInfo } from "node:net"
import { conversationOf, hex, WeftError, type DocumentName } from "@weft/sdk/protocol"
import type { Authenticate } from "./auth/authenticate.js"
import { authenticateDev } from "./auth/dev.js"
import { authenticateJwt, pemKey, remoteKeys } from "./auth/jwt.js"
import { loadServerKey } from "./auth/server-key.js"
import { loadTrust } from "./auth/trust.js"
import { createVerifier } from "./auth/verifier.js"
import { isLoopbackHost } from "./config.js"
import type { AwarenessRoom } from "./connection/awareness.js"
import { Clients } from "./connection/clients.js"
import { FanOut } from "./connection/fan-out.js"
import { FrameConnection, type ConnectionPorts } from "./connection/frame-connection.js"
import { PeerOrigins } from "./connection/peer-origins.js"
import { StockConnection, type StockPorts } from "./connection/stock-connection.js"
import { SyncSession } from "./connection/sync-session.js"
import { DigestTable } from "./document/digest-table.js"
import { Registry } from "./document/registry.js"
import { rebuildIndex } from "./document/rebuild-index.js"
import { UserIndex } from "./document/user-index.js"
import { createBreather, repeat, systemServerEnv, type ServerEnv } from "./env.js"
import { defaultLimits } from "./limits/limits.js"
import { Rates } from "./limits/rates.js"
import { Slots } from "./limits/slots.js"
import { httpListener } from "./net/http.js"
import { upgradeListener } from "./net/upgrade.js"
import { createLog, type Log } from "./observe/log.js"
import { createMetrics } from "./observe/metrics.js"
import type { AuthOptions, ServerOptions } from "./options.js"
import { PeerLink } from "./peer/link.js"
import { openLevelStore } from "./store/level-store.js"
import { createMerger } from "./store/merge.js"

export type { ServerOptions, AuthOptions } from "./options.js"
export type { Limits } from "./limits/limits.js"

const DEFAULT_PORT = 4400
const SWEEP_MS = 5_000
/** Requests here are small; who is slower than this only holds a socket. */
const HEADERS_MS = 10_000
const REQUEST_MS = 30_000

export interface RunningServer {
  readonly port: number
  /** Where devices connect: ws://host:port. */
  readonly url: string
  /** Ed25519; 32 bytes. */
  readonly publicKey: Uint8Array
  /** Counts and logs an error that reached nobody else. */
  readonly reportError: (error: unknown) => void
  /** Finishes what is under way, answers it, closes every socket, then the store. */
  close(): Promise<void>
}

/**
 * Starts a sync server. Rejects with BAD_ARGUMENT for options that don't go together, with STORE_* where the data folder
 * can't be used, and with Node's error where the port can't.
 */
export async function startServer(options: ServerOptions, env: ServerEnv = systemServerEnv): Promise<RunningServer> {
  const dev = options.auth.kind === "dev"
  const host = options.host ?? (dev ? "127.0.0.1" : undefined)
  if (dev && options.allowRemoteDev !== true && (host === undefined || !isLoopbackHost(host))) {
    throw new WeftError("BAD_ARGUMENT", "a development server believes anybody, so it is for this machine only")
  }
  const limits = { ...defaultLimits, ...options.limits }
  const log = createLog(options.logLevel ?? "info")
  const metrics = createMetrics({ process: options.processMetrics ?? false })
  const now = (): number => env.now()
  const store = await openLevelStore({
    directory: options.data,
    env,
    elapsed: () => Number(process.hrtime.bigint()) / 1e6,
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
    const key = await loadServerKey(store)
    const trust = await loadTrust(store, key.publicKey, options.trust ?? [])
    const verifier = createVerifier()
    const digests = new DigestTable()
    for (const { document, digest } of await store.digests()) digests.set(document, digest)
    const index = new UserIndex(store)
    const fanOut = new FanOut(env.defer, (sent) => {
      metrics.fanOut.inc(sent)
    })
    const written = new Rates({ perSecond: limits.entriesPerSecond, burst: limits.entryBurst })
    const relayed = new Rates({ perSecond: limits.relayedPerSecond, burst: limits.relayedBurst })
    const ack = options.ack ?? { kind: "local" }
    const quarantined = new Set<DocumentName>()
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
      metrics,
      log,
      now,
      breathe: createBreather(env),
      awaitsPeers: ack.kind === "peers",
      quarantined,
      merge: (document) => {
        merger.request(document)
      },
      relay: (change) => {
        fanOut.relay(change)
      },
      letIn: (conversation, users) => {
        for (const user of users) {
          for (const subscriber of fanOut.connectionsOf(user)) {
            if (subscriber instanceof SyncSession) subscriber.tell(conversation)
          }
        }
      },
    })
    await rebuildIndex(store, digests, registry, index, log)

    const clients = new Clients()
    const peerOrigins = new PeerOrigins()
    const shared = { env, limits, ack, registry, digests, index, metrics, log }
    const connectionPorts: ConnectionPorts & StockPorts = {
      ...shared,
      authenticate: authenticateBy(options.auth, now),
      verifier,
      key,
      peerToken: options.peerToken,
      dev,
      trust,
      incarnation: store.incarnation,
      fanOut,
      clients,
      users: new Slots(),
      stockUsers: new Slots(),
      rooms: new Map<DocumentName, AwarenessRoom>(),
      peerOrigins,
    }
    let draining = false
    const http = createServer(
      { headersTimeout: HEADERS_MS, requestTimeout: REQUEST_MS },
      httpListener({
        metrics,
        log,
        staticFolder: options.static,
        notReady: () => (draining ? "draining" : store.failed ? "the store refuses writes" : undefined),
      }),
    )
    http.on(
      "upgrade",
      upgradeListener({
        limits,
        metrics,
        addresses: new Slots(),
        trustedProxy: options.trustedProxy ?? false,
        loopbackOriginsOnly: dev && options.allowRemoteDev !== true,
        isDraining: () => draining,
        accept: (target, socket, stream, release) => {
          if (target.kind === "sync") new FrameConnection(socket, stream, connectionPorts, release)
          else new StockConnection(socket, stream, target, connectionPorts, release)
        },
      }),
    )
    metrics.gauge("weft_active_documents", "Documents in memory", function () {
      this.set(registry.documentCount)
    })
    metrics.gauge("weft_unsent_bytes", "Bytes that connections have not read yet", function () {
      this.set(clients.unsentBytes)
    })
    const port = await listen(http, options.port ?? DEFAULT_PORT, host)
    const links = (options.peers ?? []).map(
      (url) => new PeerLink(url, { ...shared, key, trust, fanOut, peerOrigins, peerToken: options.peerToken }),
    )
    const stopSweeps = repeat(env, Math.min(SWEEP_MS, limits.idleMs / 2), () => {
      clients.expire(env.now() - limits.idleMs)
      registry.sweep()
      written.sweep(env.now())
      relayed.sweep(env.now())
    })
    announce(log, options.auth, { port, host, server: hex(key.publicKey) })

    const reportError = (error: unknown): void => {
      metrics.errors.inc()
      log.error({ err: error }, "an error that nobody expected")
    }
    let closing: Promise<void> | undefined
    const close = async (): Promise<void> => {
      draining = true
      stopSweeps()
      http.close()
      await within(env, limits.drainMs, async () => {
        await clients.drain()
        // Not before: what is being answered may wait for its copies.
        await Promise.all(links.map((link) => link.close()))
        await registry.settled()
      }).catch(reportError)
      http.closeAllConnections()
      await merger.close()
      await store.close()
      log.info("stopped")
    }
    return {
      port,
      url: `ws://${host === undefined || host.includes(":") ? "localhost" : host}:${port}`,
      publicKey: key.publicKey,
      reportError,
      close: () => (closing ??= close()),
    }
  } catch (error) {
    await store.close()
    throw error
  }
}

function authenticateBy(auth: AuthOptions, now: () => number): Authenticate {
  if (auth.kind === "dev") return authenticateDev
  const { issuer, audience } = auth
  const keys = auth.keys.kind === "jwks" ? remoteKeys(auth.keys.url) : pemKey(auth.keys.pem)
  return authenticateJwt({ keys, issuer, audience, now })
}

function listen(http: Server, port: number, host: string | undefined): Promise<number> {
  return new Promise((resolve, reject) => {
    http.once("error", reject)
    http.listen(port, host, () => {
      http.off("error", reject)
      resolve((http.address() as AddressInfo).port)
    })
  })
}

/** Waits for a task, but not longer. */
function within(env: ServerEnv, ms: number, task: () => Promise<void>): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = env.setTimer(ms, resolve)
    task()
      .then(resolve, reject)
      .finally(() => {
        env.clearTimer(timer)
      })
  })
}

function announce(log: Log, auth: AuthOptions, where: object): void {
  log.info(where, "listening")
  if (auth.kind === "dev") log.warn("DEVELOPMENT SERVER: it believes anybody who gives a name. Never for real users.")
}
