import { execFile } from "node:child_process"
import { createHash } from "node:crypto"
import { existsSync, readdirSync, statSync } from "node:fs"
import { readdir, rename, rm } from "node:fs/promises"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { promisify } from "node:util"

const root = fileURLToPath(new URL("../..", import.meta.url))
const cache = join(root, "node_modules/.cache/weft/demo")
const UNFINISHED = "unfinished-"

/** Another process's build that is older than this is nobody's any more. */
const ABANDONED_MS = 60 * 60 * 1000

/** The demo as it is served, built from the sources of today; the folder. Built once for each state of the sources, or by each process that needs it at once. */
export async function buildDemo(): Promise<string> {
  const folder = join(cache, hashSources())
  if (existsSync(folder)) return folder
  const unfinished = join(cache, `${UNFINISHED}${process.pid}`)
  const vite = join(root, "node_modules/vite/bin/vite.js")
  await promisify(execFile)(
    process.execPath,
    [vite, "build", "--mode", "source", "--logLevel", "warn", "--emptyOutDir", "--outDir", unfinished],
    { cwd: join(root, "demo"), env: { ...process.env, NODE_ENV: "production" } },
  )
  await removeOthers(folder)
  try {
    await rename(unfinished, folder)
  } catch (error) {
    // Another process was faster with the same.
    await rm(unfinished, { recursive: true, force: true })
    if (!existsSync(folder)) throw error
  }
  return folder
}

/** Builds of other sources, and what was left half done; not what another process is building now. */
async function removeOthers(folder: string): Promise<void> {
  for (const name of await readdir(cache)) {
    const path = join(cache, name)
    if (path === folder) continue
    const isRecent = Date.now() - (statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0) < ABANDONED_MS
    if (name.startsWith(UNFINISHED) && isRecent) continue
    await rm(path, { recursive: true, force: true })
  }
}

function hashSources(): string {
  const hash = createHash("sha256")
  for (const place of ["demo/src", "demo/public", "sdk/src"]) hashFolder(hash, join(root, place))
  for (const place of ["demo/index.html", "demo/vite.config.ts", "demo/emoji-data.ts", "package-lock.json"])
    hashFile(hash, join(root, place))
  return hash.digest("hex").slice(0, 16)
}

function hashFolder(hash: ReturnType<typeof createHash>, folder: string): void {
  for (const entry of readdirSync(folder, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const path = join(folder, entry.name)
    if (entry.isDirectory()) hashFolder(hash, path)
    else if (!/\.test\.tsx?$/.test(entry.name)) hashFile(hash, path)
  }
}

function hashFile(hash: ReturnType<typeof createHash>, path: string): void {
  const { size, mtimeMs } = statSync(path)
  hash.update(`${path}\0${size}\0${mtimeMs}\0`)
}
