// `npm run sim`: bundles the simulator from source, SDK and server with it, and runs it. `--mutants`: with planted bugs.
import { spawn } from "node:child_process"
import { randomInt } from "node:crypto"
import { join } from "node:path"
import { createInterface } from "node:readline"
import { ensureInstalled, root } from "./install.mjs"
import { bundleSimulator } from "./sim-bundle.mjs"
import { mutants } from "./sim-mutants.mjs"

/** The seeds in which planted bugs are looked for: each bug in all of them, until one fails. */
const HUNT = ["--brief", "--first", "1", "--seeds", "24", "--ops", "200"]
/** What was found by then counts; seconds. */
const HUNT_SECONDS = 600
/** A planted bug may hang the simulator: what is killed, after so many times the time that no bug takes, has not been caught. */
const HANG_FACTOR = 3
/** As many as may stay hidden. */
const MAY_SURVIVE = 1

ensureInstalled()
const args = process.argv.slice(2)
if (args.includes("--mutants")) process.exit(await huntMutants())
process.exit(await playAll())

/** Plays seeds in as many processes as `--jobs` says, and adds up what they counted. */
async function playAll() {
  const bundle = await bundleSimulator("main", undefined)
  const at = args.indexOf("--jobs")
  const jobs = at < 0 ? 1 : Number(args.splice(at, 2)[1])
  if (!args.includes("--first")) args.push("--first", String(randomInt(2 ** 31)))
  const named = ["--named", join(root, "test/sim/seeds.json")]
  const ended = await Promise.all(
    Array.from({ length: jobs }, (_, job) => playPart(bundle, [...named, ...args, "--part", `${job}/${jobs}`])),
  )
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

/** Plants one bug after the other and plays seeds until one fails; but first without any, as seeds that fail by themselves prove nothing. */
async function huntMutants() {
  const start = Date.now()
  const seconds = () => Math.round((Date.now() - start) / 1000)
  const sound = await play(await bundleSimulator("main", undefined), HUNT, Infinity)
  if (sound.code !== 0) {
    console.log(sound.output)
    console.log("these seeds fail without a planted bug: nothing they find would count")
    console.log("0 passed, 1 failed")
    return 1
  }
  const hangMs = Math.max(20, seconds() * HANG_FACTOR) * 1000
  console.log(`without a planted bug all seeds pass (${seconds()} s)`)
  let caught = 0
  for (const [index, mutant] of mutants.entries()) {
    const began = Date.now()
    const { code, output } = await play(await bundleSimulator(`mutant-${index}`, mutant), HUNT, hangMs)
    const found = /^violated in seed (\d+): (.*)$/m.exec(output)
    const counts = found !== null && seconds() <= HUNT_SECONDS
    if (counts) caught++
    const verdict =
      found !== null
        ? `seed ${found[1]}: ${found[2].slice(0, 90)}${counts ? "" : " (too late)"}`
        : code === 0
          ? "SURVIVED"
          : `BROKEN ${output.slice(-200)}`
    const took = ((Date.now() - began) / 1000).toFixed(0)
    console.log(`${counts ? "caught" : "  --  "} ${took.padStart(4)} s  ${mutant.name.padEnd(66)} ${verdict}`)
  }
  const survivors = mutants.length - caught
  console.log(`${caught} of ${mutants.length} planted bugs caught in ${seconds()} s`)
  console.log(`${caught} passed, ${survivors <= MAY_SURVIVE ? 0 : survivors} failed`)
  return survivors <= MAY_SURVIVE ? 0 : 1
}

function play(bundle, flags, hangMs) {
  return new Promise((resolve) => {
    const playing = spawn(process.execPath, ["--enable-source-maps", bundle, ...flags])
    let output = ""
    const take = (chunk) => {
      output += String(chunk)
    }
    playing.stdout.on("data", take)
    playing.stderr.on("data", take)
    const timer = hangMs === Infinity ? undefined : setTimeout(() => playing.kill("SIGKILL"), hangMs)
    playing.on("exit", (code) => {
      clearTimeout(timer)
      resolve({ code, output })
    })
  })
}
