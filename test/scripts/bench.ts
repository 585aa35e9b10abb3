/*
 * npm run bench -- [name...] [--exact] [--json FILE]
 *
 * Measures Weft beside what users would pick instead; --exact: only what counts bytes or round trips. Figures are of this
 * machine and this run: compare within one.
 */
import { writeFile } from "node:fs/promises"
import { parseArgs } from "node:util"
import { bundle } from "../bench/bundle.ts"
import { catchUp } from "../bench/catch-up.ts"
import { disk } from "../bench/disk.ts"
import { diverge } from "../bench/diverge.ts"
import { fanOutMany, fanOutOne } from "../bench/fan-out.ts"
import type { Bench, Figure } from "../bench/figure.ts"
import { ingest, ingestSingle } from "../bench/ingest.ts"
import { latency } from "../bench/latency.ts"
import { memoryDocuments, memorySockets } from "../bench/memory.ts"
import { peering } from "../bench/peering.ts"
import { reconnect } from "../bench/reconnect.ts"
import { start } from "../bench/start.ts"
import { verify } from "../bench/verify.ts"
import { wire } from "../bench/wire.ts"

const benches: readonly Bench[] = [
  wire,
  reconnect,
  bundle,
  fanOutMany,
  fanOutOne,
  ingest,
  ingestSingle,
  latency,
  memorySockets,
  memoryDocuments,
  peering,
  start,
  verify,
  diverge,
  catchUp,
  disk,
]

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { exact: { type: "boolean", default: false }, json: { type: "string" } },
})
const unknown = positionals.filter((name) => !benches.some((bench) => bench.name === name))
if (unknown.length > 0) {
  console.error(`no such bench: ${unknown.join(", ")}; there are ${benches.map(({ name }) => name).join(", ")}`)
  process.exit(2)
}
const chosen = benches.filter(
  ({ name, exact }) => (positionals.length === 0 || positionals.includes(name)) && (exact || !values.exact),
)
const figures: Record<string, Figure> = {}
let failed = 0
for (const { name, what, run } of chosen) {
  console.log(`\n${name}: ${what}`)
  try {
    const measured = await run((line) => console.log(`  ${line}`))
    figures[name] = measured
    if (!measured.ok) failed++
    console.log(`  ${describe(measured)}`)
    for (const note of measured.notes) console.log(`  ${note}`)
  } catch (error) {
    failed++
    console.error(`  FAILED`, error)
  }
}
if (values.json !== undefined) await writeFile(values.json, `${JSON.stringify(figures, undefined, 2)}\n`)
console.log(`\n${chosen.length - failed} passed, ${failed} failed`)
process.exit(failed === 0 ? 0 : 1)

function describe({ value, unit, target, better, ok, peers, limit }: Figure): string {
  const number = (of: number): string => `${of >= 100 ? of.toFixed(0) : of.toPrecision(3)} ${unit}`
  const others = Object.entries(peers).map(([peer, of]) => `${peer} ${number(of)}`)
  const bound = `${better === "less" ? "at most" : "at least"} ${number(target)}`
  const rest = [...others, ...(limit === undefined ? [] : [`limit ${number(limit)}`])]
  return `${ok ? "ok    " : "FAILED"} ${number(value)} (${bound})${rest.length > 0 ? `; ${rest.join(", ")}` : ""}`
}
