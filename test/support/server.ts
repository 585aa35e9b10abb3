import { startServer, type RunningServer, type ServerOptions } from "@weft/sync-server"
import { onTestFinished } from "vitest"
import { temporaryDirectory } from "./temporary.js"

export type TestServer = RunningServer & { readonly data: string }

/** A development server in this process on a free port, closed when the test ends. Its store is a real one. */
export async function startTestServer(options: Partial<ServerOptions> = {}): Promise<TestServer> {
  const data = options.data ?? (await temporaryDirectory())
  const server = await startServer({
    auth: { kind: "dev" },
    port: 0,
    logLevel: process.env["WEFT_TEST_LOG"] ?? "silent",
    ...options,
    data,
  })
  onTestFinished(() => server.close())
  return { ...server, data }
}
