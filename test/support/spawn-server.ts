import { spawn, type ChildProcess } from "node:child_process"
import { fileURLToPath } from "node:url"
import { onTestFinished } from "vitest"

const cli = fileURLToPath(new URL("../../sync-server/src/cli.ts", import.meta.url))

/** `weft-server` in a process of its own, from source. Ended with the test. */
export interface ServerProcess {
  readonly child: ChildProcess
  /** ws://127.0.0.1:port, once it listens; rejects where it ended instead. */
  readonly url: Promise<string>
  /** How it ended, and what it had to say. */
  readonly ended: Promise<{ code: number | null; signal: NodeJS.Signals | null; stdout: string; stderr: string }>
}

export function spawnServer(args: readonly string[], env: Record<string, string> = {}): ServerProcess {
  const child = spawn(process.execPath, ["--conditions=weft-source", "--import", "tsx", cli, ...args], {
    env: { PATH: process.env["PATH"], ...env },
    stdio: ["ignore", "pipe", "pipe"],
  })
  onTestFinished(() => {
    child.kill("SIGKILL")
  })
  let stdout = ""
  let stderr = ""
  const ended = new Promise<Awaited<ServerProcess["ended"]>>((resolve) => {
    child.on("close", (code, signal) => {
      resolve({ code, signal, stdout, stderr })
    })
  })
  const url = new Promise<string>((resolve, reject) => {
    child.stderr.on("data", (chunk: Buffer) => {
      stderr += chunk.toString()
    })
    child.stdout.on("data", (chunk: Buffer) => {
      stdout += chunk.toString()
      const port = /"port":(\d+)/.exec(stdout)?.[1]
      if (port !== undefined) resolve(`ws://127.0.0.1:${port}`)
    })
    child.on("close", () => {
      reject(new Error(`the server ended: ${stderr}`))
    })
  })
  url.catch(() => undefined)
  return { child, url, ended }
}
