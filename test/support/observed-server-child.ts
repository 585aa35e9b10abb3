/*
 * A server that tells its parent how it is: `startServer` from source, as cli.ts runs it, with the event loop and the memory
 * reported over IPC. Started by observed-server.ts.
 */
import { writeHeapSnapshot } from "node:v8"
import { startServer, type ServerOptions } from "@weft/sync-server"
import { LoopProbe, type LoopReport } from "./loop-probe.ts"

/** What the parent asks; `gc`: collect first, with --expose-gc; `snapshot`: a file for what the heap holds. */
export interface Ask {
  readonly id: number
  readonly kind: "sample" | "stop"
  readonly gc: boolean
  readonly snapshot?: string
}

export interface Sample extends LoopReport {
  readonly rss: number
  readonly heapUsed: number
  readonly external: number
}

/** What the child says. */
export type Say =
  | { readonly kind: "listening"; readonly url: string }
  | { readonly kind: "sample"; readonly id: number; readonly sample: Sample }
  | { readonly kind: "uncaught"; readonly text: string }

const say = (what: Say): void => {
  process.send?.(what)
}
const probe = new LoopProbe()
const server = await startServer(JSON.parse(process.argv[2] ?? "{}") as ServerOptions)
for (const event of ["uncaughtException", "unhandledRejection"] as const) {
  process.on(event, (error: unknown) => {
    server.reportError(error)
    say({ kind: "uncaught", text: error instanceof Error ? (error.stack ?? error.message) : String(error) })
  })
}
process.on("message", (ask: Ask) => {
  answer(ask).catch((error: unknown) => {
    say({ kind: "uncaught", text: String(error) })
  })
})
// A parent that is gone wants nothing more.
process.on("disconnect", () => process.exit(1))
say({ kind: "listening", url: server.url })

async function answer({ id, kind, gc, snapshot }: Ask): Promise<void> {
  if (kind === "stop") {
    await server.close()
    process.exit(0)
  }
  const loop = await probe.report()
  if (gc) {
    // Twice: what finalizers let go of is collected the second time.
    for (let round = 0; round < 2; round++) {
      globalThis.gc?.()
      await new Promise((resolve) => setImmediate(resolve))
    }
    await probe.report()
  }
  if (snapshot !== undefined) writeHeapSnapshot(snapshot)
  const { rss, heapUsed, external } = process.memoryUsage()
  say({ kind: "sample", id, sample: { ...loop, rss, heapUsed, external } })
}
