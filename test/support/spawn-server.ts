import { spawn, type ChildProcess } from "node:child_process"
import { onTestFinished } from "vitest"
import { buildProgram } from "./program.ts"

/** `weft-server` in a process of its own, from source. Ended with the test. */
export interface ServerProcess {
  readonly child: ChildProcess
  /** ws://127.0.0.1:port, once it listens; rejects where it ended instead. */
  readonly url: Promise<string>
  /** How it ended, and what it had to say. */
  readonly ended: Promise<{ code: number | null; signal: NodeJS.Signals | null; stdout: string; stderr: string }>
}

export async function spawnServer(args: readonly string[], env: Record<string, string> = {}): Promise<ServerProcess> {
  const child = spawn(process.execPath, [await buildProgram("sync-server/src/cli.ts"), ...args], {
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
