/*
 * Plays seeds and judges them. Started by `npm run sim`, which bundles it; `test/sim/README.md` says what the flags mean.
 */
import { readFileSync } from "node:fs"
import { endWithUsage, readFlags } from "../support/flags.js"
import type { Operation } from "./operations.js"
import { operationsOf, play, type Played } from "./play.js"
import { shrink } from "./shrink.js"

const USAGE = `npm run sim -- [--seeds N] [--ops N] [--first S | --only S,S,... | --seed S [--trace]] [--jobs N] [--minutes M]
  [--generation N] [--kinds K,K,...] [--brief] [--shrink-seconds N] | --mutants [--jobs N]`

const { values } = readFlags(USAGE, {
  options: {
    seeds: { type: "string", default: "20" },
    ops: { type: "string", default: "1000" },
    seed: { type: "string" },
    generation: { type: "string" },
    /** Of operations, by their names: these and no others. */
    kinds: { type: "string" },
    /** The first of several seeds. */
    first: { type: "string", default: "1" },
    /** `i/n`: every n-th of them, from the i-th on. */
    part: { type: "string", default: "0/1" },
    /** Seeds by number, in this order, and no others. */
    only: { type: "string" },
    minutes: { type: "string", default: "60" },
    "shrink-seconds": { type: "string", default: "60" },
    named: { type: "string" },
    trace: { type: "boolean", default: false },
    /** Stops at the first violation, without looking for fewer operations. */
    brief: { type: "boolean", default: false },
  },
})

for (const name of ["seeds", "ops", "first", "seed", "generation", "minutes", "shrink-seconds"] as const) {
  const value = values[name]
  if (value !== undefined && !(value !== "" && Number(value) >= 0)) endWithUsage(USAGE, `${name} is a number`)
}

interface Case {
  readonly name: string
  readonly seed: number
  readonly ops: number
  /** Of the kinds of operations that it was found with; the latest by default. */
  readonly generation?: number
  /** Only operations of these kinds. */
  readonly kinds?: readonly string[]
}

const write = values.trace
  ? (line: string): void => {
      console.log(line)
    }
  : undefined

/** Seeds that failed once, first; then as many as were asked for. */
function casesOf(): Case[] {
  const choice = {
    ops: Number(values.ops),
    ...(values.generation !== undefined && { generation: Number(values.generation) }),
    ...(values.kinds !== undefined && { kinds: values.kinds.split(",") }),
  }
  const caseOf = (seed: number): Case => ({ name: `seed ${seed}`, seed, ...choice })
  if (values.seed !== undefined) return [caseOf(Number(values.seed))]
  if (values.only !== undefined) return values.only.split(",").map((seed) => caseOf(Number(seed)))
  const named = values.named === undefined ? [] : (JSON.parse(readFileSync(values.named, "utf8")) as Case[])
  const first = Number(values.first)
  console.log(`seeds ${first} to ${first + Number(values.seeds) - 1}, ${values.ops} operations each`)
  return [...named, ...Array.from({ length: Number(values.seeds) }, (_, index) => caseOf(first + index))]
}

/** Where kinds alone are named, devices and those who mean harm are of this generation: planted bugs were found so. */
const KINDS_ALONE = 7

function stageOf({ generation, kinds }: Case): number | undefined {
  return generation ?? (kinds === undefined ? undefined : KINDS_ALONE)
}

function operationsOfCase({ seed, ops, generation, kinds }: Case): Operation[] {
  return operationsOf(seed, ops, kinds === undefined ? { generation } : { kinds })
}

async function explain(each: Case, { failure }: Played): Promise<void> {
  const { seed, ops, generation, kinds } = each
  console.log(`violated in seed ${seed}: ${failure?.text ?? ""}`)
  const which =
    (kinds === undefined ? "" : ` --kinds ${kinds.join()}`) +
    (generation === undefined ? "" : ` --generation ${generation}`)
  console.log(`again: npm run sim -- --seed ${seed} --ops ${ops}${which} --trace`)
  if (values.brief || failure === undefined) return
  const end = Date.now() + Number(values["shrink-seconds"]) * 1000
  const least = await shrink(seed, operationsOfCase(each), failure.invariant, () => Date.now() > end, stageOf(each))
  console.log(
    `${least.operations.length} of ${ops} operations are enough (${least.played?.failure?.text ?? failure.text}):`,
  )
  console.log(JSON.stringify(least.operations))
  await play(seed, least.operations, {
    generation: stageOf(each),
    write: (line) => {
      if (!/ (frame|write|connect) /.test(line)) console.log(line)
    },
  })
}

const end = Date.now() + Number(values.minutes) * 60_000
const cpu = process.cpuUsage()
const start = Date.now()
let passed = 0
let failed = 0
let messages = 0
let acknowledged = 0
let events = 0
const [part = 0, parts = 1] = values.part.split("/").map(Number)
for (const each of casesOf().filter((_, index) => index % parts === part)) {
  if (Date.now() > end) break
  const played = await play(each.seed, operationsOfCase(each), { write, generation: stageOf(each) })
  messages += played.messages
  acknowledged += played.acknowledged
  events += played.events
  if (played.failure === undefined) passed++
  else {
    failed++
    await explain(each, played)
    if (values.brief) break
  }
  if (values.seed !== undefined) console.log(`hash ${played.hash}`)
}
const { user, system } = process.cpuUsage(cpu)
const seconds = (Date.now() - start) / 1000
const rate = ((passed + failed) / ((user + system) / 1e6)) * 60
console.log(`${messages} messages, ${acknowledged} acknowledged, ${events} events in ${seconds.toFixed(0)} s`)
console.log(`${rate.toFixed(0)} seeds a minute of one core`)
console.log(`${passed} passed, ${failed} failed`)
process.exit(failed === 0 ? 0 : 1)
