import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import type { ServerOptions } from "@weft/sync-server"
import { ObservedServer } from "../support/observed-server.ts"
import type { Corpus, Writer } from "./corpus.ts"
import { slowness } from "../support/reference-work.ts"
import { ask, greet } from "./wire.ts"

/** What one input may hold the event loop up, milliseconds of processor time: 50 on the machine that the work is compared with. */
export const MAX_STALL_MS = Math.round(50 * slowness())
/** What a storm of inputs may leave behind. */
export const MAX_GROWTH_BYTES = 64 * 2 ** 20
/** Counts what nobody in the server expected. */
export const ERRORS = "weft_internal_errors_total"

/** A server in its own process that holds the corpus' conversation. */
export interface Target {
  readonly server: ObservedServer
  close(): Promise<void>
}

export async function openTarget(corpus: Corpus, options: Partial<ServerOptions> = {}): Promise<Target> {
  const data = await mkdtemp(join(tmpdir(), "weft-fuzz-"))
  const server = await ObservedServer.start({
    data,
    ...options,
    // Everything comes from few users on one machine; every other limit is as operators have it.
    limits: { socketsPerUser: 1_000, stockSocketsPerUser: 1_000, ...options.limits },
  })
  const [alice] = corpus.writers as [Writer]
  const wire = await greet(server.url, alice)
  for (const frame of corpus.opening) {
    const answer = await ask(wire, frame)
    if (answer?.kind !== "ack") throw new Error(`the honest session was refused: ${JSON.stringify(answer)}`)
  }
  wire.cut()
  return {
    server,
    async close() {
      await server.stop()
      await rm(data, { recursive: true, force: true })
    },
  }
}
