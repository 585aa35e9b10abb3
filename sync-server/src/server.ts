import { createServer, type Server } from "node:http"
import type { AddressInfo } from "node:net"
import { hex, WeftError } from "@weft/sdk/protocol"
import type { Authenticate } from "./auth/authenticate.js"
import { authenticateDev } from "./auth/dev.js"
import { authenticateJwt, pemKey, remoteKeys } from "./auth/jwt.js"
import { createVerifier } from "./auth/verifier.js"
import { isLoopbackHost } from "./config.js"
import { openCore } from "./core.js"
import { systemServerEnv, type ServerEnv } from "./env.js"
import { defaultLimits } from "./limits/limits.js"
import { Slots } from "./limits/slots.js"
import { webSocketDial } from "./net/dial.js"
import { httpListener } from "./net/http.js"
import { upgradeListener } from "./net/upgrade.js"
import { sharedDeflate } from "./net/shared-deflate.js"
import { WebSocketChannel } from "./net/web-socket-channel.js"
import { startDebug } from "./observe/debug.js"
import { createLog, type Log } from "./observe/log.js"
import { createMetrics } from "./observe/metrics.js"
import type { AuthOptions, ServerOptions } from "./options.js"
import { keepIn } from "./store/damaged-folder.js"
import { LevelDatabase } from "./store/level-database.js"

export type { ServerOptions, AuthOptions } from "./options.js"
export type { Limits } from "./limits/limits.js"

const DEFAULT_PORT = 4400
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
  // Throws where the options name no key: before anything is open.
  const authenticate = authenticateBy(options.auth, () => env.now())
  const core = await openCore(
    {
      ...{ dev, limits, peerToken: options.peerToken, trust: options.trust, ack: options.ack },
      ...(options.repair === true && { repair: keepIn(`${options.data}.damaged`) }),
    },
    {
      env,
      database: await LevelDatabase.open(options.data),
      dial: webSocketDial(limits.frameBytes),
      deflate: sharedDeflate(),
      authenticate,
      verifier: createVerifier(),
      log,
      metrics,
      elapsed: () => Number(process.hrtime.bigint()) / 1e6,
    },
  )
  const { publicKey } = core
  const debug =
    options.adminToken === undefined
      ? undefined
      : startDebug(options.adminToken, { metrics, publicKey, now: () => env.now(), inspect: () => core.inspect() })
  try {
    const http = createServer(
      { headersTimeout: HEADERS_MS, requestTimeout: REQUEST_MS },
      httpListener({
        metrics,
        log,
        staticFolder: options.static,
        debug,
        notReady: () => (core.isDraining ? "draining" : core.failed ? "the store refuses writes" : undefined),
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
        isDraining: () => core.isDraining,
        accept: (target, socket, stream, release) => {
          const channel = new WebSocketChannel(socket, stream)
          if (target.kind === "sync") core.accept(channel, release)
          else core.acceptStock(channel, target, release)
        },
      }),
    )
    const port = await listen(http, options.port ?? DEFAULT_PORT, host)
    for (const url of options.peers ?? []) core.connect(url)
    announce(log, options.auth, { port, host, server: hex(publicKey) })

    const reportError = (error: unknown): void => {
      metrics.errors.inc()
      log.error({ err: error }, "an error that nobody expected")
    }
    let closing: Promise<void> | undefined
    const close = async (): Promise<void> => {
      http.close()
      await core.drain().catch(reportError)
      http.closeAllConnections()
      debug?.close()
      await core.close()
      log.info("stopped")
    }
    return {
      port,
      url: `ws://${host === undefined || host.includes(":") ? "localhost" : host}:${port}`,
      publicKey,
      reportError,
      close: () => (closing ??= close()),
    }
  } catch (error) {
    debug?.close()
    await core.close()
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

function announce(log: Log, auth: AuthOptions, where: object): void {
  log.info(where, "listening")
  if (auth.kind === "dev") log.warn("DEVELOPMENT SERVER: it believes anybody who gives a name. Never for real users.")
}
