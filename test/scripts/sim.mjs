// `npm run sim`: bundles the simulator from source, SDK and server with it, and runs it. `--mutants`: with planted bugs.
import { spawn } from "node:child_process"
import { join } from "node:path"
import { ensureInstalled, root } from "./install.mjs"
import { bundleSimulator } from "./sim-bundle.mjs"
import { mutants } from "./sim-mutants.mjs"

/** Seconds of search for one planted bug: all of them take ten minutes at most, two at a time. */
const MUTANT_SECONDS = 40
/** As many as must be found. */
const MAY_SURVIVE = 1

ensureInstalled()
const args = process.argv.slice(2)
if (args.includes("--mutants")) process.exit(await huntMutants())
const file = await bundleSimulator("main", undefined)
const named = ["--named", join(root, "test/sim/seeds.json")]
const child = spawn(process.execPath, ["--enable-source-maps", file, ...named, ...args], { stdio: "inherit" })
for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => child.kill(signal))
child.on("exit", (status) => process.exit(status ?? 1))

/** Plants one bug after the other and plays seeds until one fails. Seeds that fail without any bug would prove nothing. */
async function huntMutants() {
  const start = Date.now()
  const seconds = () => ((Date.now() - start) / 1000).toFixed(0)
  const waiting = mutants.map((mutant, index) => ({ mutant, index }))
  const rows = []
  const hunter = async () => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      const { mutant, index } = next
      const bundle = await bundleSimulator(`mutant-${index}`, mutant)
      const { code, output } = await run(bundle, ["--brief", "--first", "1", "--seeds", "100000", "--ops", "200"])
      const found = /^violated in seed (\d+): (.*)$/m.exec(output)
      const verdict =
        found === null
          ? code === null
            ? "SURVIVED"
            : `BROKEN ${output.slice(-200)}`
          : `seed ${found[1]}: ${found[2].slice(0, 90)}`
      rows.push({ name: mutant.name, found: found !== null })
      console.log(`${found === null ? "  --  " : "caught"}  ${mutant.name.padEnd(52)} ${verdict}`)
    }
  }
  await Promise.all([hunter(), hunter()])
  const caught = rows.filter(({ found }) => found).length
  console.log(`${caught} of ${rows.length} planted bugs caught in ${seconds()} s`)
  const survivors = rows.length - caught
  console.log(`${caught} passed, ${survivors <= MAY_SURVIVE ? 0 : survivors} failed`)
  return survivors <= MAY_SURVIVE ? 0 : 1
}

function run(bundle, flags) {
  return new Promise((resolve) => {
    const playing = spawn(process.execPath, ["--enable-source-maps", bundle, ...flags])
    let output = ""
    const take = (chunk) => {
      output += String(chunk)
    }
    playing.stdout.on("data", take)
    playing.stderr.on("data", take)
    // A planted bug may also hang the simulator: what is killed here has not been caught.
    const timer = setTimeout(() => playing.kill("SIGKILL"), MUTANT_SECONDS * 1000)
    playing.on("exit", (code) => {
      clearTimeout(timer)
      resolve({ code, output })
    })
  })
}
