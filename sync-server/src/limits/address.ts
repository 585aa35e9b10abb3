import type { IncomingMessage } from "node:http"
import { isIP } from "node:net"

/** Where a request comes from. What a proxy says of it counts only where the operator trusts the proxy. */
export function addressOf(request: IncomingMessage, trustedProxy: boolean): string {
  const direct = request.socket.remoteAddress ?? "unknown"
  if (!trustedProxy) return direct
  const header = request.headers["x-forwarded-for"]
  // Each proxy appends the address that it saw: only the last one was said by a proxy that is trusted.
  const last = (Array.isArray(header) ? header.join(",") : (header ?? "")).split(",").at(-1)?.trim() ?? ""
  return isIP(last) === 0 ? direct : last
}

export function isLoopback(address: string): boolean {
  const plain = address.startsWith("::ffff:") ? address.slice(7) : address
  return plain === "::1" || /^127[.]/.test(plain)
}
