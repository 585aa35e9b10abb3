import { spawn, type ChildProcess } from "node:child_process"
import { readFileSync } from "node:fs"
import { createInterface } from "node:readline"

const running = new Set<ChildProcess>()
process.on("exit", () => {
  for (const child of running) child.kill("SIGKILL")
})

/** Linux counts processor time in these. */
const TICK_MS = 10

/** A server under test, in a process of its own that never outlives this one. */
export class Server {
  readonly url: string
  readonly #child: ChildProcess

  private constructor(child: ChildProcess, port: number) {
    this.#child = child
    this.url = `ws://127.0.0.1:${port}`
  }

  /** Runs a script that says `"port":N` on a line of its output once it listens. */
  static async start(node: string, args: readonly string[], environment: Record<string, string> = {}): Promise<Server> {
    const child = spawn(node, args, {
      stdio: ["ignore", "pipe", "inherit", "ipc"],
      env: { PATH: process.env["PATH"], NODE_ENV: "production", ...environment },
    })
    running.add(child)
    child.once("exit", () => running.delete(child))
    const port = await new Promise<number>((resolve, reject) => {
      child.once("exit", (code) => reject(new Error(`the server ended: ${code}`)))
      child.once("error", reject)
      createInterface(child.stdout!).on("line", (line) => {
        const found = /"port":(\d+)/.exec(line)?.[1]
        if (found !== undefined) resolve(Number(found))
      })
    })
    return new Server(child, port)
  }

  /** Processor time that all its threads used so far, milliseconds. */
  get cpuMs(): number {
    const fields = readFileSync(`/proc/${this.#child.pid}/stat`, "utf8").split(") ")[1]?.split(" ") ?? []
    return (Number(fields[11]) + Number(fields[12])) * TICK_MS
  }

  /** Bytes of memory that it has. */
  get rssBytes(): number {
    const found = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${this.#child.pid}/status`, "utf8"))?.[1]
    return Number(found) * 1024
  }

  /** Updates that a peer has stored so far. */
  async stored(): Promise<number> {
    const answer = new Promise<number>((resolve) => {
      this.#child.once("message", ({ stored }: { stored: number }) => resolve(stored))
    })
    this.#child.send("stored")
    return answer
  }

  async stop(): Promise<void> {
    const gone = new Promise((resolve) => this.#child.once("exit", resolve))
    this.#child.kill("SIGTERM")
    await gone
  }
}
