/*
 * npm run scale -- [name...]
 *
 * How Weft's costs grow: each at several sizes, with the curve that fits them. sdk/docs/scale.md shows what it printed.
 */
import { cpus } from "node:os"
import { growthTable } from "../bench/growth/growth.ts"
import { growths } from "../bench/growth/growths.ts"
import { endWithUsage, readFlags } from "../support/flags.ts"

const USAGE = `npm run scale -- [name...]
names: ${growths.map(({ name }) => name).join(", ")}`

const { positionals: names } = readFlags(USAGE, { allowPositionals: true, options: {} })
const unknown = names.filter((name) => !growths.some((growth) => growth.name === name))
if (unknown.length > 0) endWithUsage(USAGE, `no such growth: ${unknown.join(", ")}`)
console.log(`Node ${process.versions.node}, ${String(cpus().length)} cores`)
let failed = 0
const chosen = growths.filter(({ name }) => names.length === 0 || names.includes(name))
for (const growth of chosen) {
  console.log(`\n${growth.name}: ${growth.what}\n`)
  try {
    const costs = []
    for (const size of growth.sizes) costs.push(await growth.measure(size))
    console.log(growthTable(growth, costs))
  } catch (error) {
    failed++
    console.error("FAILED", error)
  }
}
console.log(`\n${String(chosen.length - failed)} passed, ${String(failed)} failed`)
process.exit(failed === 0 ? 0 : 1)
