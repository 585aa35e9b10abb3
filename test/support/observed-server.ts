import { spawn, type ChildProcess } from "node:child_process"
import { fileURLToPath } from "node:url"
import type { ServerOptions } from "@weft/sync-server"
import { buildProgram } from "./program.ts"
import type { Ask, Sample, Say } from "./observed-server-child.ts"

const root = fileURLToPath(new URL("../..", import.meta.url))

interface Asked {
  resolve(sample: Sample): void
  reject(error: Error): void
}

const running = new Set<ChildProcess>()
process.on("exit", () => {
  for (const child of running) child.kill("SIGKILL")
})

/** A development server in a process of its own that says how it is. The caller stops it; it never outlives this process. */
export class ObservedServer {
  readonly url: string
  /** Errors that nobody in the process caught. */
  readonly uncaught: string[]
  readonly ended: Promise<string>
  readonly #child: ChildProcess
  readonly #answers: Map<number, Asked>
  #asked = 0
  #end: string | undefined

  private constructor(child: ChildProcess, url: string, uncaught: string[], answers: Map<number, Asked>) {
    this.#child = child
    this.url = url
    this.uncaught = uncaught
    this.#answers = answers
    this.ended = new Promise((resolve) => {
      child.once("exit", (code, signal) => {
        this.#end = `code ${String(code)}, signal ${String(signal)}`
        for (const { reject } of answers.values()) reject(new Error(`the server ended: ${this.#end}`))
        resolve(this.#end)
      })
    })
  }

  /** `flags`: further ones of Node's. */
  static async start(
    options: Omit<ServerOptions, "auth" | "port">,
    flags: readonly string[] = [],
  ): Promise<ObservedServer> {
    const given = { auth: { kind: "dev" }, port: 0, logLevel: process.env["WEFT_TEST_LOG"] ?? "silent", ...options }
    const child = spawn(
      process.execPath,
      ["--expose-gc", ...flags, await buildProgram("test/support/observed-server-child.ts"), JSON.stringify(given)],
      { cwd: root, stdio: ["ignore", "inherit", "inherit", "ipc"] },
    )
    running.add(child)
    child.once("exit", () => running.delete(child))
    const uncaught: string[] = []
    const answers = new Map<number, Asked>()
    const url = await new Promise<string>((resolve, reject) => {
      child.once("exit", () => reject(new Error("the server did not start")))
      child.on("message", (said: Say) => {
        if (said.kind === "listening") resolve(said.url)
        else if (said.kind === "uncaught") uncaught.push(said.text)
        else {
          answers.get(said.id)?.resolve(said.sample)
          answers.delete(said.id)
        }
      })
    })
    return new ObservedServer(child, url, uncaught, answers)
  }

  /** How it ended, if it did. */
  get end(): string | undefined {
    return this.#end
  }

  /** Its event loop since the last sample, and its memory now; `gc`: after a collection; `snapshot`: a file for its heap. */
  async sample(gc = false, snapshot?: string): Promise<Sample> {
    if (this.#end !== undefined) throw new Error(`the server ended: ${this.#end}`)
    const id = ++this.#asked
    const answer = new Promise<Sample>((resolve, reject) => this.#answers.set(id, { resolve, reject }))
    this.#ask({ id, kind: "sample", gc, ...(snapshot !== undefined && { snapshot }) })
    return answer
  }

  /** A counter or gauge of /metrics; the sum where it has labels. */
  async metric(name: string): Promise<number> {
    const text = await (await fetch(`${this.url.replace("ws:", "http:")}/metrics`)).text()
    return text
      .split("\n")
      .filter((line) => line.startsWith(`${name} `) || line.startsWith(`${name}{`))
      .reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(" ") + 1)), 0)
  }

  async stop(): Promise<void> {
    if (this.#end === undefined) this.#ask({ id: 0, kind: "stop", gc: false })
    await this.ended
  }

  #ask(ask: Ask): void {
    this.#child.send(ask)
  }
}
