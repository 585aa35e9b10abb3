import type { IncomingMessage } from "node:http"
import type { Duplex } from "node:stream"
import { closeCode, encodeFrame, parseDocumentName, type DocumentName, type RefusalCode } from "@weft/sdk/protocol"
import { WebSocketServer, type WebSocket } from "ws"
import { CLOSE_MS } from "../connection/socket.js"
import { addressOf, isLoopback } from "../limits/address.js"
import { guardBytes } from "../limits/guard-bytes.js"
import type { Limits } from "../limits/limits.js"
import type { Slots } from "../limits/slots.js"
import type { Metrics } from "../observe/metrics.js"

/** What a WebSocket was opened for. */
type Target =
  { readonly kind: "sync" } | { readonly kind: "stock"; readonly document: DocumentName; readonly token: string }

export interface UpgradePorts {
  readonly limits: Limits
  readonly metrics: Metrics
  readonly addresses: Slots
  readonly trustedProxy: boolean
  /** Development servers believe anybody, so only pages of this machine may connect. */
  readonly loopbackOriginsOnly: boolean
  isDraining(): boolean
  /** Takes an accepted socket; `release` is to be called when it has closed. */
  accept(target: Target, socket: WebSocket, stream: Duplex, release: () => void): void
}

/** Frames up to this many times the limit still arrive, to be refused with a code; larger ones end in `ws` itself. */
const TOLERANCE = 2

/** Takes WebSocket upgrades. No compression: one shared window over secrets and strangers' text leaks both. */
export function upgradeListener(ports: UpgradePorts): (request: IncomingMessage, stream: Duplex, head: Buffer) => void {
  const { limits, addresses } = ports
  const serve = (maxPayload: number): WebSocketServer => {
    // Not written in the call: its types don't know `closeTimeout` yet.
    const options = {
      noServer: true,
      maxPayload,
      perMessageDeflate: false,
      clientTracking: false,
      // Of a close of `ws` itself.
      closeTimeout: CLOSE_MS,
    }
    return new WebSocketServer(options)
  }
  const leave = {
    sync: () => {
      ports.metrics.connections.dec(paths.sync)
    },
    stock: () => {
      ports.metrics.connections.dec(paths.stock)
    },
  }
  const servers = { sync: serve(TOLERANCE * limits.frameBytes), stock: serve(limits.stockFrameBytes) }

  return (request, stream, head) => {
    // Without a listener a reset connection would end the process.
    stream.on("error", destroyIt)
    const target = targetOf(request.url ?? "")
    if (target === undefined) {
      refuseHttp(stream, 404)
      return
    }
    if (ports.loopbackOriginsOnly && !isLoopbackOrigin(request.headers.origin)) {
      refuseHttp(stream, 403)
      return
    }
    const address = addressOf(request, ports.trustedProxy)
    // Not called where `ws` refuses the handshake: nothing is counted before.
    servers[target.kind].handleUpgrade(request, stream, head, (socket) => {
      const counted = !isLoopback(address)
      const refusal = ports.isDraining()
        ? "SHUTTING_DOWN"
        : counted && !addresses.take(address, limits.socketsPerAddress)
          ? "TOO_MANY_CONNECTIONS"
          : undefined
      if (refusal !== undefined) {
        ports.metrics.refused.inc({ code: refusal })
        refuseSocket(socket, target, refusal)
        // It counts nowhere: what it sends must cost no more than what a stranger may.
        guardBytes(stream, limits.preAuthBytes, () => {
          socket.terminate()
        })
        return
      }
      const closed = leave[target.kind]
      ports.metrics.connections.inc(paths[target.kind])
      const release = (): void => {
        closed()
        addresses.give(address)
      }
      ports.accept(target, socket, stream, counted ? release : closed)
    })
  }
}

const paths = { sync: { path: "/sync" }, stock: { path: "/y" } } as const

// One for all sockets, who keep it for as long as they are open.
function destroyIt(this: Duplex): void {
  this.destroy()
}

function targetOf(url: string): Target | undefined {
  if (!URL.canParse(url, "ws://localhost")) return undefined
  const { pathname, searchParams } = new URL(url, "ws://localhost")
  if (pathname === "/sync") return { kind: "sync" }
  if (!pathname.startsWith("/y/")) return undefined
  try {
    const document = parseDocumentName(decodeURIComponent(pathname.slice(3)))?.name
    return document && { kind: "stock", document, token: searchParams.get("token") ?? "" }
  } catch {
    return undefined
  }
}

/** Programs send no origin; pages can't help it. */
function isLoopbackOrigin(origin: string | undefined): boolean {
  if (origin === undefined) return true
  if (!URL.canParse(origin)) return false
  const { hostname } = new URL(origin)
  return hostname === "localhost" || hostname.endsWith(".localhost") || isLoopback(hostname.replace(/^\[|\]$/g, ""))
}

function refuseHttp(stream: Duplex, status: 403 | 404): void {
  stream.end(
    `HTTP/1.1 ${status} ${status === 403 ? "Forbidden" : "Not Found"}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`,
  )
}

function refuseSocket(socket: WebSocket, target: Target, code: RefusalCode): void {
  socket.on("error", () => undefined)
  if (target.kind === "sync") socket.send(encodeFrame({ kind: "refusal", code, retryAfterMs: 0, message: code }))
  socket.close(closeCode(code), code)
}
