import type { IncomingMessage, RequestListener, ServerResponse } from "node:http"
import { bearerToken, isSecret } from "../auth/secret.js"
import type { Debug } from "../observe/debug.js"
import type { Log } from "../observe/log.js"
import type { Metrics } from "../observe/metrics.js"
import { serveStatic } from "./static-files.js"

export interface HttpPorts {
  readonly metrics: Metrics
  readonly log: Log
  readonly staticFolder: string | undefined
  /** Undefined: there is no /debug. */
  readonly debug: Debug | undefined
  /** Why no traffic should come here; undefined: all is well. */
  notReady(): string | undefined
}

/** What is answered over plain HTTP. */
export function httpListener(ports: HttpPorts): RequestListener {
  return (request, response) => {
    answer(request, response, ports).catch((error: unknown) => {
      // The other side went away in the middle of a file, mostly.
      ports.log.debug({ err: error, url: request.url }, "a request was not answered")
      response.destroy()
    })
  }
}

async function answer(request: IncomingMessage, response: ServerResponse, ports: HttpPorts): Promise<void> {
  const path = (request.url ?? "/").split("?")[0]
  switch (path) {
    case "/healthz":
      text(response, 200, "ok\n")
      return
    case "/readyz": {
      const reason = ports.notReady()
      text(response, reason === undefined ? 200 : 503, `${reason ?? "ready"}\n`)
      return
    }
    case "/metrics": {
      const { registry } = ports.metrics
      const body = await registry.metrics()
      response.writeHead(200, { "Content-Type": registry.contentType }).end(body)
      return
    }
    case "/debug": {
      const { debug } = ports
      const token = bearerToken(request.headers.authorization)
      if (debug === undefined) text(response, 404, "Not found\n")
      else if (token === undefined || !isSecret(token, debug.adminToken)) {
        response.setHeader("WWW-Authenticate", "Bearer")
        text(response, 401, "This takes the admin token\n")
      } else {
        const body = JSON.stringify(await debug.read(), undefined, 2)
        response.writeHead(200, { "Content-Type": "application/json", "Cache-Control": "no-store" }).end(`${body}\n`)
      }
      return
    }
    default:
      if (ports.staticFolder === undefined) text(response, 404, "Not found\n")
      else await serveStatic(ports.staticFolder, request, response)
  }
}

function text(response: ServerResponse, status: number, body: string): void {
  response.writeHead(status, { "Content-Type": "text/plain; charset=utf-8", "Cache-Control": "no-store" }).end(body)
}
