import { createReadStream } from "node:fs"
import { realpath, stat } from "node:fs/promises"
import type { IncomingMessage, ServerResponse } from "node:http"
import { extname, join, normalize, sep } from "node:path"
import { pipeline } from "node:stream/promises"

const types: Readonly<Record<string, string>> = {
  ".css": "text/css; charset=utf-8",
  ".html": "text/html; charset=utf-8",
  ".ico": "image/x-icon",
  ".jpg": "image/jpeg",
  ".js": "text/javascript; charset=utf-8",
  ".json": "application/json; charset=utf-8",
  ".map": "application/json; charset=utf-8",
  ".mjs": "text/javascript; charset=utf-8",
  ".png": "image/png",
  ".svg": "image/svg+xml",
  ".txt": "text/plain; charset=utf-8",
  ".wasm": "application/wasm",
  ".webmanifest": "application/manifest+json; charset=utf-8",
  ".webp": "image/webp",
  ".woff2": "font/woff2",
}

/** A page that loads nothing from elsewhere and is framed by nobody; its sockets may lead to other servers. */
const headers: Readonly<Record<string, string>> = {
  "Content-Security-Policy":
    "default-src 'self'; connect-src 'self' ws: wss:; img-src 'self' data: blob:; style-src 'self' 'unsafe-inline'; " +
    "object-src 'none'; base-uri 'none'; frame-ancestors 'none'",
  "Cross-Origin-Opener-Policy": "same-origin",
  "Referrer-Policy": "no-referrer",
  "X-Content-Type-Options": "nosniff",
}

/** Serves a folder: files as they are, anything else without an extension as the app's page. */
export async function serveStatic(folder: string, request: IncomingMessage, response: ServerResponse): Promise<void> {
  if (request.method !== "GET" && request.method !== "HEAD") {
    response.writeHead(405, { Allow: "GET, HEAD" }).end()
    return
  }
  const root = await realpath(folder)
  const found = await findFile(root, request.url ?? "/")
  if (found === undefined) {
    response.writeHead(404, { "Content-Type": "text/plain; charset=utf-8", ...headers }).end("Not found\n")
    return
  }
  const { path, size, modified } = found
  const etag = `"${size.toString(36)}-${Math.floor(modified).toString(36)}"`
  const common = { ...headers, ETag: etag, "Cache-Control": cacheControl(path.slice(root.length)) }
  if (request.headers["if-none-match"] === etag) {
    response.writeHead(304, common).end()
    return
  }
  const type = types[extname(path)] ?? "application/octet-stream"
  response.writeHead(200, { ...common, "Content-Type": type, "Content-Length": size })
  if (request.method === "HEAD") response.end()
  else await pipeline(createReadStream(path), response)
}

interface Found {
  readonly path: string
  readonly size: number
  readonly modified: number
}

async function findFile(root: string, url: string): Promise<Found | undefined> {
  let path: string
  try {
    path = decodeURIComponent(new URL(url, "http://localhost").pathname)
  } catch {
    return undefined
  }
  if (path.includes("\0")) return undefined
  const wanted = join(root, normalize(`/${path}`))
  const file = (await regularFile(root, wanted)) ?? (await regularFile(root, join(wanted, "index.html")))
  if (file !== undefined) return file
  // The app's own addresses have no extension; a missing script must not come back as a page.
  return extname(path) === "" ? regularFile(root, join(root, "index.html")) : undefined
}

/** The file, unless it lies outside, links included. */
async function regularFile(root: string, path: string): Promise<Found | undefined> {
  try {
    const real = await realpath(path)
    if (!real.startsWith(root + sep)) return undefined
    const stats = await stat(real)
    return stats.isFile() ? { path: real, size: stats.size, modified: stats.mtimeMs } : undefined
  } catch {
    return undefined
  }
}

/** What carries a hash in its name never changes; everything else, the service worker first of all, is asked for anew. */
function cacheControl(path: string): string {
  return /[\\/]assets[\\/].*-[\w-]{8,}[.]\w+$/.test(path) ? "public, max-age=31536000, immutable" : "no-cache"
}
