import { createServer, type Server } from "node:http"
import type { AddressInfo } from "node:net"
import { isAbsolute } from "node:path"
import { fileURLToPath } from "node:url"
import { build } from "esbuild"

export interface ServedPage {
  /** Of this machine alone, which browsers count as a secure context. Every path gives the page. */
  readonly url: string
  readonly port: number
  close(): Promise<void>
}

/** Bundles a TypeScript file, of this folder where its path is relative, and serves a page that runs it. */
export async function servePage(entry: string): Promise<ServedPage> {
  const bundle = await build({
    entryPoints: [isAbsolute(entry) ? entry : fileURLToPath(new URL(entry, import.meta.url))],
    bundle: true,
    conditions: ["weft-source"],
    write: false,
    format: "iife",
    target: "es2022",
    sourcemap: "inline",
  })
  const script = bundle.outputFiles[0]?.text ?? ""
  const server = createServer((request, response) => {
    const isScript = request.url === "/page.js"
    response.setHeader("content-type", `${isScript ? "text/javascript" : "text/html"}; charset=utf-8`)
    response.end(isScript ? script : `<!doctype html><title>${entry}</title><script src="/page.js"></script>`)
  })
  return listen(server)
}

/** Bundles TypeScript files as modules, with what they share in files of its own, and serves a page that runs the one named `page`. */
export async function serveModules(entryPoints: Record<string, string> & { page: string }): Promise<ServedPage> {
  const bundle = await build({
    entryPoints,
    outdir: "/",
    bundle: true,
    splitting: true,
    conditions: ["weft-source"],
    write: false,
    format: "esm",
    target: "es2022",
    jsx: "automatic",
  })
  const files = new Map(bundle.outputFiles.map(({ path, text }) => [path, text]))
  const server = createServer((request, response) => {
    const script = files.get(request.url ?? "")
    response.setHeader("content-type", `${script === undefined ? "text/html" : "text/javascript"}; charset=utf-8`)
    response.end(script ?? `<!doctype html><title>page</title><script type="module" src="/page.js"></script>`)
  })
  return listen(server)
}

async function listen(server: Server): Promise<ServedPage> {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    port,
    close: () =>
      new Promise((resolve, reject) => {
        server.close((error) => (error === undefined ? resolve() : reject(error)))
        server.closeAllConnections()
      }),
  }
}
