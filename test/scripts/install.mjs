// Installs the locked dependencies when they are missing or not what package-lock.json says. Plain Node: it runs before them.
import { spawnSync } from "node:child_process"
import { existsSync, readFileSync } from "node:fs"
import { join, resolve } from "node:path"
import { fileURLToPath } from "node:url"

export const root = resolve(fileURLToPath(import.meta.url), "../../..")

/** Runs npm with this process's own npm, so that the version stays the one the user called. Returns its exit code. */
export function npm(args, options = {}) {
  const own = process.env.npm_execpath
  const result = own?.endsWith(".js")
    ? spawnSync(process.execPath, [own, ...args], { cwd: root, stdio: "inherit", ...options })
    : spawnSync("npm", args, { cwd: root, stdio: "inherit", shell: process.platform === "win32", ...options })
  return result.status ?? 1
}

function readJson(path) {
  try {
    return JSON.parse(readFileSync(path, "utf8"))
  } catch {
    return undefined
  }
}

/** Whether each locked package is there in its locked version; optional ones (other platforms' binaries) may be absent. */
export function isInstalled() {
  const wanted = readJson(join(root, "package-lock.json"))?.packages
  const found = readJson(join(root, "node_modules/.package-lock.json"))?.packages
  if (wanted === undefined || found === undefined) return false
  return Object.entries(wanted).every(([path, meta]) => {
    if (!path.includes("node_modules/")) return true
    if (!existsSync(join(root, path))) return meta.optional === true || meta.devOptional === true
    return found[path]?.version === meta.version && found[path]?.integrity === meta.integrity
  })
}

/** Exits the process when the installation fails: nothing can be done without it. */
export function ensureInstalled() {
  const [major = 0, minor = 0] = process.versions.node.split(".").map(Number)
  if (major < 20 || (major === 20 && minor < 19)) {
    console.error(`Weft needs Node.js 20.19 or newer; this is ${process.versions.node}.`)
    process.exit(1)
  }
  if (isInstalled()) return
  console.log("Installing dependencies (npm ci) ...")
  const code = npm(["ci", "--no-audit", "--no-fund", "--loglevel=error"])
  if (code !== 0) {
    console.error("npm ci failed; see above.")
    process.exit(code)
  }
}

if (process.argv[1] !== undefined && resolve(process.argv[1]) === fileURLToPath(import.meta.url)) ensureInstalled()
