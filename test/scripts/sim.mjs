// `npm run sim`: bundles the simulator from source, SDK and server with it, and runs it. `--mutants`: with planted bugs.
import { spawn } from "node:child_process"
import { randomInt } from "node:crypto"
import { join } from "node:path"
import { createInterface } from "node:readline"
import { ensureInstalled, root } from "./install.mjs"
import { bundleSimulator } from "./sim-bundle.mjs"
import { mutants } from "./sim-mutants.mjs"

/** The seeds in which planted bugs are looked for, behind those that are known to find one; until one fails. */
const HUNT_SEEDS = Array.from({ length: 20 }, (_, index) => index + 1)
/** With the kinds of operations of that time, so that a later kind does not change what finds a bug. */
const HUNT = { ops: 200, generation: 3 }
/** What one bug may take, as it may hang the simulator, and what was found in time; milliseconds. */
const HUNT_EACH_MS = 40_000
const HUNT_MS = 600_000
/** So many of them at least. */
const MUST_BE_CAUGHT = 19

ensureInstalled()
const args = process.argv.slice(2)
if (args.includes("--mutants")) process.exit(await huntMutants())
process.exit(await playAll())

function takeJobs() {
  const at = args.indexOf("--jobs")
  return at < 0 ? 1 : Number(args.splice(at, 2)[1])
}

/** Plays seeds in as many processes as `--jobs` says, and adds up what they counted. */
async function playAll() {
  const bundle = await bundleSimulator("main", undefined)
  const jobs = takeJobs()
  if (!args.some((arg) => arg.startsWith("--first"))) args.push("--first", String(randomInt(2 ** 31)))
  const named = ["--named", join(root, "test/sim/seeds.json")]
  const ended = await Promise.all(
    Array.from({ length: jobs }, (_, job) => playPart(bundle, [...named, ...args, "--part", `${job}/${jobs}`])),
  )
  if (ended.every(({ counts }) => counts === undefined)) return Math.max(...ended.map(({ code }) => code ?? 1))
  const count = (index) => ended.reduce((sum, { counts }) => sum + Number(counts?.[index] ?? 0), 0)
  const lost = ended.filter(({ code, counts }) => code !== 0 && Number(counts?.[2] ?? 0) === 0).length
  console.log(`${count(1)} passed, ${count(2) + lost} failed`)
  return count(2) + lost === 0 ? 0 : 1
}

/** Passes on what a process says, but for its count. */
function playPart(bundle, flags) {
  return new Promise((resolve) => {
    const playing = spawn(process.execPath, ["--enable-source-maps", bundle, ...flags], {
      stdio: ["ignore", "pipe", "inherit"],
    })
    for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => playing.kill(signal))
    let counts
    createInterface(playing.stdout).on("line", (line) => {
      const found = /^(\d+) passed, (\d+) failed$/.exec(line)
      if (found === null) console.log(line)
      else counts = found
    })
    playing.on("close", (code) => resolve({ code, counts }))
  })
}

/** Plants one bug after the other, and plays seeds until one fails. What a seed finds counts if it passes without the bug. */
async function huntMutants() {
  const start = Date.now()
  const waiting = Array.from(mutants.entries())
  const jobs = takeJobs()
  const found = []
  const hunt = async () => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      const [index, mutant] = next
      const began = Date.now()
      const { output } = await play(await bundleSimulator(`mutant-${index}`, mutant), casesOf(mutant), HUNT_EACH_MS)
      const violation = /^violated in seed (\d+): (.*)$/m.exec(output)
      const inTime = Date.now() - start <= HUNT_MS
      if (violation !== null && inTime) found.push({ ...casesOf(mutant), seeds: [Number(violation[1])] })
      const verdict = violation === null ? "SURVIVED" : `seed ${violation[1]}: ${violation[2].slice(0, 90)}`
      const took = ((Date.now() - began) / 1000).toFixed(0).padStart(3)
      console.log(`${took} s  ${mutant.name.padEnd(66)} ${verdict}${inTime ? "" : " (too late)"}`)
    }
  }
  await Promise.all(Array.from({ length: jobs }, hunt))
  const seconds = Math.round((Date.now() - start) / 1000)
  const sound = await bundleSimulator("main", undefined)
  let caught = 0
  const verdicts = new Map()
  for (const cases of found) {
    const name = JSON.stringify(cases)
    if (!verdicts.has(name)) verdicts.set(name, (await play(sound, cases, Infinity)).code === 0)
    if (verdicts.get(name)) caught++
    else console.log(`${name} fails without a planted bug: what it found does not count`)
  }
  console.log(
    `${caught} of ${mutants.length} planted bugs caught in ${seconds} s, at least ${MUST_BE_CAUGHT} are asked`,
  )
  const missing = Math.max(0, MUST_BE_CAUGHT - caught)
  console.log(`${caught} passed, ${missing} failed`)
  return missing === 0 ? 0 : 1
}

/** Where a bug has its own operations, they say nothing of it in other seeds. */
function casesOf({ seeds = [], ops, kinds, generation }) {
  if (ops !== undefined) return { seeds, ops, kinds, generation }
  return { seeds: Array.from(new Set([...seeds, ...HUNT_SEEDS])), ...HUNT }
}

function play(bundle, { seeds, ops, kinds, generation }, limitMs) {
  return new Promise((resolve) => {
    const flags = ["--brief", "--only", seeds.join(), "--ops", String(ops)]
    if (kinds !== undefined) flags.push("--kinds", kinds)
    if (generation !== undefined) flags.push("--generation", String(generation))
    const playing = spawn(process.execPath, ["--enable-source-maps", bundle, ...flags])
    let output = ""
    const take = (chunk) => {
      output += String(chunk)
    }
    playing.stdout.on("data", take)
    playing.stderr.on("data", take)
    const timer = limitMs === Infinity ? undefined : setTimeout(() => playing.kill("SIGKILL"), limitMs)
    playing.on("exit", (code) => {
      clearTimeout(timer)
      resolve({ code, output })
    })
  })
}
