import { execFile } from "node:child_process"
import { createHash } from "node:crypto"
import { existsSync, readdirSync, statSync } from "node:fs"
import { mkdir, readdir, rename, rm } from "node:fs/promises"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { promisify } from "node:util"

const root = fileURLToPath(new URL("../..", import.meta.url))
const cache = join(root, "node_modules/.cache/weft/demo")

/** The demo as it is served, built from the sources of today; the folder. Built once for each state of the sources. */
export async function buildDemo(): Promise<string> {
  const folder = join(cache, hashSources())
  if (existsSync(folder)) return folder
  const unfinished = join(cache, `unfinished-${process.pid}`)
  const vite = join(root, "node_modules/vite/bin/vite.js")
  await promisify(execFile)(
    process.execPath,
    [vite, "build", "--mode", "source", "--logLevel", "warn", "--emptyOutDir", "--outDir", unfinished],
    { cwd: join(root, "demo"), env: { ...process.env, NODE_ENV: "production" } },
  )
  await mkdir(cache, { recursive: true })
  for (const name of await readdir(cache)) {
    if (join(cache, name) !== unfinished) await rm(join(cache, name), { recursive: true, force: true })
  }
  await rename(unfinished, folder)
  return folder
}

function hashSources(): string {
  const hash = createHash("sha256")
  for (const place of ["demo/src", "demo/public", "sdk/src"]) hashFolder(hash, join(root, place))
  for (const place of ["demo/index.html", "demo/vite.config.ts", "package-lock.json"]) hashFile(hash, join(root, place))
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
