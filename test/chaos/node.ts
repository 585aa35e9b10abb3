import { rm } from "node:fs/promises"
import { startServerProcess, type ServerProcess } from "../support/server-process.ts"

/** What a server's log says of something that must not happen. */
const ERROR_LEVEL = 50
/** Nobody listens there. */
const NO_PORT = 1

/** One server of a chaos run, over all its lives. */
export class Node {
  /** The port of its last life; refused while it is down. */
  port = NO_PORT
  private process: ServerProcess | undefined

  constructor(
    private readonly data: string,
    private readonly args: () => readonly string[],
    private readonly onError: (line: string) => void,
  ) {}

  async start(): Promise<void> {
    if (this.process !== undefined) return
    this.process = await startServerProcess({
      data: this.data,
      args: this.args(),
      onLine: (line) => {
        if (levelOf(line) >= ERROR_LEVEL) this.onError(line)
      },
    })
    this.port = this.process.port
  }

  /** As a crash does. */
  async kill(): Promise<void> {
    const { process } = this
    this.process = undefined
    this.port = NO_PORT
    await process?.stop("SIGKILL")
  }

  async wipe(): Promise<void> {
    await this.kill()
    await rm(this.data, { recursive: true, force: true })
  }

  freeze(): void {
    this.process?.signal("SIGSTOP")
  }

  thaw(): void {
    this.process?.signal("SIGCONT")
  }
}

function levelOf(line: string): number {
  const level: unknown = line.startsWith("{") ? (JSON.parse(line) as { level?: unknown }).level : undefined
  return typeof level === "number" ? level : 0
}
