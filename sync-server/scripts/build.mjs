// Builds workspaces, each only when its inputs changed since its last build here. Plain Node.
// `node sync-server/scripts/build.mjs [sdk] [sync-server] [demo]`; without names: all three.
import { createHash } from "node:crypto"
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs"
import { join, relative, resolve } from "node:path"
import { fileURLToPath } from "node:url"
import { npm, root } from "../../test/scripts/install.mjs"

/** In building order: what an entry needs stands before it. `output` is the file that shows that a build is there. */
const workspaces = [
  { name: "sdk", output: "sdk/dist/index.js", needs: [] },
  { name: "sync-server", output: "sync-server/dist/cli.js", needs: ["sdk"] },
  { name: "demo", output: "demo/dist/index.html", needs: ["sdk"] },
]

const notInputs = new Set(["dist", "dev-dist", "node_modules", "data", "scripts"])

function listFiles(folder) {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    if (notInputs.has(entry.name) || entry.name.startsWith(".") || /[.]test[.]tsx?$/.test(entry.name)) return []
    const path = join(folder, entry.name)
    return entry.isDirectory() ? listFiles(path) : [path]
  })
}

function hashInputs({ name, needs }) {
  const hash = createHash("sha256")
  const files = [name, ...needs].flatMap((folder) => listFiles(join(root, folder)))
  for (const file of [...files.sort(), join(root, "package-lock.json"), join(root, "tsconfig.json")]) {
    hash
      .update(`${relative(root, file)}\0`)
      .update(readFileSync(file))
      .update("\0")
  }
  return hash.digest("hex")
}

// the output's time is part of the stamp: a build made by other means is not taken for ours
const stampOf = (workspace) => `${hashInputs(workspace)} ${statSync(join(root, workspace.output)).mtimeMs}`
const stampFile = (name) => join(root, "node_modules/.cache/weft", `build-${name}`)

function isFresh(workspace) {
  const stamp = stampFile(workspace.name)
  if (!existsSync(stamp) || !existsSync(join(root, workspace.output))) return false
  return readFileSync(stamp, "utf8") === stampOf(workspace)
}

/** Builds those of the named workspaces, and of what they need, that are not up to date. Throws when a build fails. */
export function ensureBuilt(names = workspaces.map(({ name }) => name)) {
  const wanted = workspaces.filter(
    ({ name }) =>
      names.includes(name) || workspaces.some((other) => names.includes(other.name) && other.needs.includes(name)),
  )
  for (const workspace of wanted) {
    if (isFresh(workspace)) continue
    console.log(`Building ${workspace.name} ...`)
    // npm's output goes to stderr, and is shown in full: a failed build explains itself
    if (npm(["run", "build", "--silent", "-w", workspace.name], { stdio: ["ignore", 2, 2] }) !== 0) {
      throw new Error(`Building ${workspace.name} failed; see above.`)
    }
    mkdirSync(join(root, "node_modules/.cache/weft"), { recursive: true })
    writeFileSync(stampFile(workspace.name), stampOf(workspace))
  }
}

if (process.argv[1] !== undefined && resolve(process.argv[1]) === fileURLToPath(import.meta.url)) {
  try {
    ensureBuilt(process.argv.length > 2 ? process.argv.slice(2) : undefined)
  } catch (error) {
    console.error(error instanceof Error ? error.message : error)
    process.exit(1)
  }
}
