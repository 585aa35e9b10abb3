/*
 * npm run bench -- [name...] [--json FILE] [--profile FOLDER] | --exact [--update] | --table FILE [--plot FILE.svg]
 *
 * Measures Weft beside what users would pick instead. Figures are of this machine and this run: compare within one. --json
 * adds them to FILE; --table prints FILE as Markdown, --plot draws it. --profile: where Weft's servers spend their time, and
 * its top rows. --exact: only what counts bytes or round trips, which is the same on any machine; fails where a count is worse
 * than the baseline by more than 5 %; --update makes what was counted the baseline.
 */
import { existsSync } from "node:fs"
import { readFile, writeFile } from "node:fs/promises"
import { resolve } from "node:path"
import { readBaseline, regressions, writeBaseline } from "../bench/baseline.ts"
import { benches } from "../bench/benches.ts"
import type { Figure } from "../bench/figure.ts"
import { plot } from "../bench/plot.ts"
import { topRows } from "../bench/profile.ts"
import { describe, table, type Figures } from "../bench/table.ts"
import { endWithUsage, readFlags } from "../support/flags.ts"

const USAGE = `npm run bench -- [name...] [--json FILE] [--profile FOLDER] | --exact [--update] | --table FILE [--plot FILE.svg]
names: ${benches.map(({ name }) => name).join(", ")}`

const { values, positionals } = readFlags(USAGE, {
  allowPositionals: true,
  options: {
    exact: { type: "boolean", default: false },
    update: { type: "boolean", default: false },
    json: { type: "string" },
    table: { type: "string" },
    plot: { type: "string" },
    profile: { type: "string" },
  },
})
const unknown = positionals.filter((name) => !benches.some((bench) => bench.name === name))
if (unknown.length > 0) endWithUsage(USAGE, `no such bench: ${unknown.join(", ")}`)
if (values.table !== undefined) {
  const measured = await readFigures(values.table)
  console.log(table(measured))
  if (values.plot !== undefined) await writeFile(values.plot, plot(measured))
  process.exit(0)
}
const chosen = benches.filter(
  ({ name, exact }) => (positionals.length === 0 || positionals.includes(name)) && (exact || !values.exact),
)
if (values.profile !== undefined) process.env["WEFT_BENCH_PROFILE"] = resolve(values.profile)
const baseline = await readBaseline()
const figures: Record<string, Figure> = {}
let failed = 0
for (const { name, what, run } of chosen) {
  console.log(`\n${name}: ${what}`)
  try {
    const measured = await run((line) => console.log(`  ${line}`))
    figures[name] = measured
    await keep(name, measured)
    const worse = values.exact && !values.update ? regressions(name, measured, baseline) : []
    if (values.exact ? worse.length > 0 : !measured.ok) failed++
    console.log(`  ${describe(measured)}`)
    for (const note of measured.notes) console.log(`  ${note}`)
    for (const line of worse) console.error(`  WORSE ${line}`)
  } catch (error) {
    failed++
    console.error("  FAILED", error)
  }
}
if (values.exact && values.update) await writeBaseline(figures)
if (values.profile !== undefined) {
  console.log("\nWeft's servers, by self time:")
  for (const row of await topRows(values.profile)) console.log(`  ${row}`)
}
console.log(`\n${chosen.length - failed} passed, ${failed} failed`)
process.exit(failed === 0 ? 0 : 1)

/** At once: what was measured for minutes is not lost with what comes behind it. */
async function keep(name: string, measured: Figure): Promise<void> {
  if (values.json === undefined) return
  const before = existsSync(values.json) ? await readFigures(values.json) : {}
  await writeFile(values.json, `${JSON.stringify({ ...before, [name]: measured }, undefined, 2)}\n`)
}

async function readFigures(file: string): Promise<Figures> {
  return JSON.parse(await readFile(file, "utf8")) as Figures
}
