// Packs the SDK and the server, installs both tarballs into an empty project, and uses them as a customer would.
// The last line is `N passed, N failed`.
import { spawnSync } from "node:child_process"
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { npm, root } from "../test/scripts/install.mjs"

const folder = mkdtempSync(join(tmpdir(), "weft-package-"))
const project = join(folder, "project")
let passed = 0
let failed = 0

function check(name, succeed) {
  const ok = succeed()
  if (ok) passed += 1
  else failed += 1
  console.log(`${ok ? "ok" : "FAILED"}: ${name}`)
  return ok
}

function imports(specifier) {
  const code = `const all = await import(${JSON.stringify(specifier)}); if (Object.keys(all).length === 0) throw new Error("exports nothing")`
  return () =>
    spawnSync(process.execPath, ["--input-type=module", "-e", code], { cwd: project, stdio: ["ignore", 1, 2] })
      .status === 0
}

try {
  mkdirSync(project)
  writeFileSync(join(project, "package.json"), JSON.stringify({ name: "customer", private: true, type: "module" }))
  const packs = ["sdk", "sync-server"].every((name) =>
    check(
      `npm pack ${name}`,
      () => npm(["pack", "--silent", "--pack-destination", folder], { cwd: join(root, name) }) === 0,
    ),
  )
  const tarballs = readdirSync(folder)
    .filter((name) => name.endsWith(".tgz"))
    .map((name) => join(folder, name))
  const installs =
    packs &&
    check("both tarballs install into an empty project", () => {
      const args = ["install", "--no-audit", "--no-fund", "--loglevel=error", ...tarballs, "react"]
      return npm(args, { cwd: project }) === 0
    })
  if (installs) {
    for (const entry of [
      "@weft/sdk",
      "@weft/sdk/protocol",
      "@weft/sdk/format",
      "@weft/sdk/react",
      "@weft/sdk/node",
      "@weft/sync-server",
    ]) {
      check(`import ${entry}`, imports(entry))
    }
    check("npx weft-server --help", () => npm(["exec", "--no", "--", "weft-server", "--help"], { cwd: project }) === 0)
  }
} finally {
  rmSync(folder, { recursive: true, force: true })
}
console.log(`${passed} passed, ${failed} failed`)
process.exit(failed === 0 ? 0 : 1)
