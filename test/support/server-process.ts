import { type ChildProcess, spawn } from "node:child_process"
import { once } from "node:events"
import { createInterface } from "node:readline"
import { fileURLToPath } from "node:url"
import { buildProgram } from "./program.ts"

const root = fileURLToPath(new URL("../..", import.meta.url))
/** Time for Node to start and for the store to open, milliseconds. */
const START_LIMIT_MS = 60_000

export interface ServerProcessOptions {
  /** Folder of the store. */
  readonly data: string
  /** Default: a free one. */
  readonly port?: number
  /** Further arguments: `["--static", folder]`. */
  readonly args?: readonly string[]
  /** Gets each line of its log. */
  readonly onLine?: (line: string) => void
}

export interface ServerProcess {
  readonly port: number
  /** `http://localhost:<port>`: a secure context for browsers. */
  readonly url: string
  /** Ends it and waits until it is gone: by default as an operator does, "SIGKILL" as a crash does. */
  stop(signal?: "SIGTERM" | "SIGKILL"): Promise<void>
  /** Freezes it, and wakes it up. */
  signal(signal: "SIGSTOP" | "SIGCONT"): void
}

const running = new Set<ChildProcess>()
process.on("exit", () => {
  for (const child of running) child.kill("SIGKILL")
})

/** A development server in a process of its own, from source. The caller stops it; it never outlives this process. */
export async function startServerProcess(options: ServerProcessOptions): Promise<ServerProcess> {
  const { data, port = 0, args = [], onLine } = options
  const program = await buildProgram("sync-server/src/cli.ts")
  const child = spawn(process.execPath, [program, "--dev", "--port", String(port), "--data", data, ...args], {
    cwd: root,
    stdio: ["ignore", "pipe", "pipe"],
  })
  running.add(child)
  const gone = once(child, "exit").finally(() => running.delete(child))
  // only until it listens: a server may talk for hours
  let said: string | undefined = ""
  const say = (text: string): void => {
    if (said !== undefined) said += text
  }
  child.stderr.on("data", (chunk: Buffer) => {
    say(chunk.toString())
  })
  const stop = async (signal: "SIGTERM" | "SIGKILL" = "SIGTERM"): Promise<void> => {
    child.kill(signal)
    await gone
  }
  const listening = new Promise<number>((resolve, reject) => {
    createInterface(child.stdout).on("line", (line) => {
      say(`${line}\n`)
      onLine?.(line)
      const found = readPort(line)
      if (found !== undefined) resolve(found)
    })
    const fail = (): void => reject(new Error(`the server did not start:\n${said ?? ""}`))
    setTimeout(fail, START_LIMIT_MS).unref()
    gone.then(fail, reject)
  })
  try {
    const bound = await listening
    said = undefined
    return {
      port: bound,
      url: `http://localhost:${bound}`,
      stop,
      signal: (signal) => {
        child.kill(signal)
      },
    }
  } catch (error) {
    await stop("SIGKILL")
    throw error
  }
}

/** The port in the log's line about listening; undefined for any other line. */
function readPort(line: string): number | undefined {
  if (!line.includes('"listening"')) return undefined
  const { port } = JSON.parse(line) as { port?: unknown }
  return typeof port === "number" ? port : undefined
}
