import { hex, WeftError } from "@weft/sdk/protocol"
import { openCore, type ServerCore } from "../../sync-server/src/core.js"
import { defaultLimits, type Limits } from "../../sync-server/src/limits/limits.js"
import { createLog } from "../../sync-server/src/observe/log.js"
import { createMetrics } from "../../sync-server/src/observe/metrics.js"
import type { Random } from "../support/seed.js"
import { Disk, type DiskManner } from "./disk.js"
import type { Network } from "./network.js"
import { Process, type Machine } from "./process.js"
import { openServerDatabase } from "./server-database.js"
import { verifier } from "./signatures.js"
import { authenticateBy } from "./tokens.js"
import type { Trace } from "./trace.js"
import { syncDeflate } from "../support/sync-deflate.js"

const PEER_TOKEN = "peers"
const RESTART_MS = 1_000
const log = createLog(process.env["WEFT_SIM_LOG"] ?? "silent")

/** A machine with the server on it: the real core, on simulated surroundings. */
export class SimServer implements Machine {
  skewMs = 0
  readonly disk: Disk
  /** Undefined while it starts, and after a crash. */
  core: ServerCore | undefined
  readonly errors: unknown[] = []
  private process: Process | undefined

  constructor(
    readonly name: string,
    readonly random: Random,
    private readonly network: Network,
    private readonly trace: Trace,
    private readonly peers: readonly string[],
    manner: DiskManner,
    private readonly limits: Partial<Limits>,
  ) {
    this.disk = new Disk(name, network.world, random, trace, manner)
  }

  get isRunning(): boolean {
    return this.process !== undefined
  }

  start(): void {
    if (this.process !== undefined) return
    const process = new Process(this.network.world, this)
    this.process = process
    const opening = openCore(
      { dev: false, limits: { ...defaultLimits, ...this.limits }, peerToken: PEER_TOKEN },
      {
        env: process,
        database: openServerDatabase(this.disk, process),
        dial: this.network.dialOf(process),
        deflate: syncDeflate,
        authenticate: authenticateBy(() => process.now()),
        verifier,
        log,
        metrics: createMetrics({ process: false }),
      },
    )
    opening
      .then((core) => {
        if (!process.alive) return
        this.core = core
        this.trace.tell(`${this.name} is up, key ${hex(core.publicKey).slice(0, 8)}`)
        this.network.listen(process, (channel) => {
          core.accept(channel, () => undefined)
        })
        for (const peer of this.peers) core.connect(`ws://${peer}/sync`)
      })
      .catch((error: unknown) => {
        if (!process.alive) return
        process.kill()
        this.process = undefined
        // A new store has no room on a full disk: the program ends with that, and is started again by what watches it.
        if (error instanceof WeftError && error.code === "STORE_QUOTA") {
          this.trace.tell(`${this.name} can't start: ${error.message}`)
          this.network.world.schedule(RESTART_MS, () => {
            this.start()
          })
        } else this.errors.push(error)
      })
  }

  /** Power cut: what was not synced is lost from the end. */
  crash(): void {
    this.process?.kill()
    this.process = undefined
    this.core = undefined
    this.disk.crash()
  }

  /** Ends in order, as on SIGTERM. */
  async stop(): Promise<void> {
    const { core, process } = this
    if (core === undefined || process === undefined) return
    await core.drain()
    await core.close()
    if (this.process !== process) return
    process.kill()
    this.process = undefined
    this.core = undefined
    this.disk.endProcess()
  }
}
