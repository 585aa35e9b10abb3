#!/usr/bin/env node
import { WeftError } from "@weft/sdk/protocol"
import packageJson from "../package.json" with { type: "json" }
import { readCommand } from "./config.js"
import { systemServerEnv } from "./env.js"
import { collectAtRest } from "./observe/collector.js"
import { startServer } from "./server.js"

/** Exit codes: 0 stopped as asked, 1 could not go on, 2 wrong arguments. */
async function main(): Promise<number> {
  const command = readCommand(process.argv.slice(2), process.env)
  switch (command.kind) {
    case "help":
      process.stdout.write(`${command.text}\n`)
      return 0
    case "version":
      process.stdout.write(`${packageJson.version}\n`)
      return 0
    case "error":
      process.stderr.write(`weft-server: ${command.text}\n`)
      return 2
    case "run": {
      const stop = new Promise<void>((resolve) => {
        for (const signal of ["SIGTERM", "SIGINT"] as const) process.once(signal, () => resolve())
      })
      const server = await startServer(command.options)
      // One connection's trouble must not end all others'. What is durable does not depend on this process anyway.
      process.on("uncaughtException", server.reportError)
      process.on("unhandledRejection", server.reportError)
      const leaveHeap = collectAtRest(systemServerEnv)
      await stop
      leaveHeap()
      await server.close()
      return 0
    }
  }
}

main().then(
  (code) => {
    process.exit(code)
  },
  (error: unknown) => {
    const text = error instanceof WeftError || isNodeError(error) ? error.message : String(error)
    process.stderr.write(`weft-server: ${text}\n`)
    process.exit(error instanceof WeftError && error.code === "BAD_ARGUMENT" ? 2 : 1)
  },
)

function isNodeError(error: unknown): error is NodeJS.ErrnoException {
  return error instanceof Error && "code" in error
}
