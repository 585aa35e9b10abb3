import { fork, type ChildProcess } from "node:child_process"
import { fileURLToPath } from "node:url"

export type LineKind = "weft" | "plain-ws" | "y-websocket" | "hocuspocus" | "automerge-repo"

/** What a process of clients is to do. */
export interface Work {
  readonly line: LineKind
  /** Servers; members of a room connect to them in turn. */
  readonly urls: readonly string[]
  readonly rooms: number
  /** Number of the first room; 0 by default. */
  readonly firstRoom?: number
  readonly members: number
  /** Rooms among which members are the same users; by default each room has its own. */
  readonly sharedBy?: number
  /** Written in each room before the measurement. */
  readonly before: number
  /** Written in each room while it is measured. */
  readonly entries: number
  /** Entries of each room that are under way at once. */
  readonly inFlight: number
  readonly batchSize?: number
  /** When an entry is no longer under way. */
  readonly pace: "delivered" | "acknowledged"
  /** Connections that do nothing. */
  readonly idle?: number
}

export interface Report {
  readonly entries: number
  /** Entries received by others than their authors, each reader counted. */
  readonly deliveries: number
  readonly seconds: number
  /** From sending to the last reader; of batches, milliseconds. */
  readonly delivered: Percentiles
  /** From the server's word that it is durable, to the last reader. */
  readonly afterAck: Percentiles
}

export interface Percentiles {
  readonly p50: number
  readonly p99: number
}

/** What the process says: it is connected, and it is done. */
export type Said = { readonly kind: "ready" } | { readonly kind: "done"; readonly report: Report }

const script = fileURLToPath(new URL("load-process.ts", import.meta.url))

/** Clients in a process of their own, so that their work is not taken for the server's. */
export class Load {
  readonly #child: ChildProcess
  readonly #ended: Promise<never>

  private constructor(work: Work) {
    this.#child = fork(script, [JSON.stringify(work)], {
      execArgv: ["--conditions=weft-source", "--import", "tsx"],
      stdio: ["ignore", "inherit", "inherit", "ipc"],
    })
    this.#ended = new Promise((_, reject) => {
      this.#child.once("exit", (code) => reject(new Error(`the clients ended: ${code}`)))
    })
    this.#ended.catch(() => undefined)
  }

  /** Resolves once everybody is connected and what comes before the measurement is written. */
  static async start(work: Work): Promise<Load> {
    const load = new Load(work)
    await load.#hear("ready")
    return load
  }

  /** Does the work. The clients stay connected. */
  async run(): Promise<Report> {
    const done = this.#hear("done")
    this.#child.send("go")
    const said = await done
    if (said.kind !== "done") throw new Error("unexpected")
    return said.report
  }

  async stop(): Promise<void> {
    this.#child.kill()
    await this.#ended.catch(() => undefined)
  }

  #hear(kind: Said["kind"]): Promise<Said> {
    const heard = new Promise<Said>((resolve) => {
      const listen = (said: Said): void => {
        if (said.kind !== kind) return
        this.#child.off("message", listen)
        resolve(said)
      }
      this.#child.on("message", listen)
    })
    return Promise.race([heard, this.#ended])
  }
}
