// `npm start`: installs, builds, and serves one development sync server with the demo at one address. Plain Node.
// PORT (default 4400) and DATA_DIR (default ./data) choose where; further arguments go to the server.
import { spawn } from "node:child_process"
import { join, resolve } from "node:path"
import { ensureInstalled, root } from "../../test/scripts/install.mjs"
import { ensureBuilt } from "./build.mjs"

/** How long the server may take to answer before the address is printed regardless, in milliseconds. */
const startupPatience = 30_000

const port = process.env.PORT || "4400"
const data = resolve(process.env.DATA_DIR || join(root, "data"))
if (!/^\d+$/.test(port) || Number(port) < 1 || Number(port) > 65535) {
  console.error(`PORT must be a number from 1 to 65535, not "${port}".`)
  process.exit(2)
}

ensureInstalled()
try {
  ensureBuilt()
} catch (error) {
  console.error(error instanceof Error ? error.message : error)
  process.exit(1)
}

const args = ["--dev", "--port", port, "--data", data, "--static", join(root, "demo/dist"), ...process.argv.slice(2)]
const child = spawn(process.execPath, [join(root, "sync-server/dist/cli.js"), ...args], { cwd: root, stdio: "inherit" })
let ended = false
for (const signal of ["SIGINT", "SIGTERM"]) {
  // Ctrl+C in a terminal reaches the child by itself; the same signal twice would cut its drain short
  process.on(signal, () => {
    if (!(signal === "SIGINT" && process.stdin.isTTY)) child.kill(signal)
  })
}
child.on("error", (error) => {
  console.error(`The server did not start: ${error.message}`)
  process.exit(1)
})
child.on("exit", (code, signal) => {
  ended = true
  process.exit(code ?? (signal === "SIGINT" || signal === "SIGTERM" ? 0 : 1))
})

const address = `http://localhost:${port}`
const deadline = Date.now() + startupPatience
while (!ended && Date.now() < deadline) {
  const answers = await fetch(`${address}/healthz`).then(
    (response) => response.ok,
    () => false,
  )
  if (answers) break
  await new Promise((wake) => setTimeout(wake, 100))
}
if (!ended) {
  console.log(`
  Weft is running:   ${address}/?user=alice
  A second user:     ${address}/?user=bob
  Data:              ${data}

  This is a DEVELOPMENT server: it accepts any user without proof and listens on this machine only.
  Stop it with Ctrl+C.
`)
}
