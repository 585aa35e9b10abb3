// `npm test`: on a fresh clone with nothing but Node and npm. Further arguments go to vitest: `npm test -- sdk/src/log`.
// WEFT_TEST_RESULTS names a file that receives the counts as JSON.
import { spawn } from "node:child_process"
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join, relative } from "node:path"
import { ensureChromium } from "./chromium.mjs"
import { ensureInstalled, root } from "./install.mjs"

/** Counts of a run, from vitest's JSON; a file that could not be loaded, or a crash that no test owns, counts as one. */
function countResults(report, exitCode) {
  const brokenFiles = (report?.testResults ?? []).filter(
    (file) => file.status === "failed" && !file.assertionResults.some((test) => test.status === "failed"),
  ).length
  const passed = report?.numPassedTests ?? 0
  const skipped = (report?.numPendingTests ?? 0) + (report?.numTodoTests ?? 0)
  const failed = (report?.numFailedTests ?? 0) + brokenFiles
  return { passed, skipped, failed: failed === 0 && exitCode !== 0 ? 1 : failed }
}

ensureInstalled()
let chromium
try {
  chromium = ensureChromium()
} catch (error) {
  console.error(error instanceof Error ? error.message : error)
  process.exit(1)
}
console.log(`Browser tests use ${chromium}`)

const folder = mkdtempSync(join(tmpdir(), "weft-test-"))
const reportFile = join(folder, "report.json")
const given = process.argv.slice(2)
const args = [
  "run",
  "--root",
  root,
  "--reporter=default",
  "--reporter=json",
  `--outputFile.json=${reportFile}`,
  ...given,
]
const child = spawn(process.execPath, [join(root, "node_modules/vitest/vitest.mjs"), ...args], {
  cwd: root,
  stdio: "inherit",
  env: { ...process.env, CHROMIUM_PATH: chromium },
})
for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => child.kill(signal))
child.on("exit", (status) => {
  const exitCode = status ?? 1
  let report
  try {
    report = JSON.parse(readFileSync(reportFile, "utf8"))
  } catch {
    report = undefined // vitest ended before it could report
  }
  rmSync(folder, { recursive: true, force: true })
  const counts = countResults(report, exitCode)
  for (const file of report?.testResults ?? []) {
    if (file.status === "failed") console.log(`failed: ${relative(root, file.name)}`)
  }
  if (process.env.WEFT_TEST_RESULTS !== undefined) {
    writeFileSync(process.env.WEFT_TEST_RESULTS, JSON.stringify(counts))
  }
  const skipped = counts.skipped > 0 ? `, ${counts.skipped} skipped` : ""
  console.log(`${counts.passed} passed, ${counts.failed} failed${skipped}`)
  process.exit(counts.failed > 0 && exitCode === 0 ? 1 : exitCode)
})
