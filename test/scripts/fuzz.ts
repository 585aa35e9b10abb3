/*
 * npm run fuzz -- --frames N [--minutes M] [--seed S] [--replay DOOR:HEX]
 *
 * N hostile messages into a real server process, through real sockets, before and after authentication, at /sync and /y; and
 * N inputs into every decoder of the SDK. --replay plays one case again, as a failing run prints it: DOOR is `greeting`,
 * `sync`, `stock` or the name of a decoder. --minutes: no more messages are sent after so long; the decoders are given as many as were.
 */
import { recordCorpus } from "../fuzz/corpus.ts"
import { fuzzDecoders, fuzzSockets, replay, type Check } from "../fuzz/run.ts"
import { endWithUsage, readFlags } from "../support/flags.ts"

const USAGE = "npm run fuzz -- --frames N [--minutes M] [--seed S] [--replay DOOR:HEX]"

const { values } = readFlags(USAGE, {
  options: {
    frames: { type: "string" },
    minutes: { type: "string", default: "600" },
    seed: { type: "string" },
    replay: { type: "string" },
  },
})
const frames = Number(values.frames ?? 100_000)
const minutes = Number(values.minutes)
const seed = Number(values.seed ?? crypto.getRandomValues(new Uint32Array(1))[0])
if (!Number.isSafeInteger(frames) || frames < 1 || !Number.isSafeInteger(seed) || !(minutes > 0)) {
  endWithUsage(USAGE, "frames and seed are whole numbers, and minutes a number above 0")
}

console.log(`fuzz: ${frames} frames, seed ${seed}`)
const corpus = await recordCorpus()
const checks: Check[] = []
if (values.replay !== undefined) {
  const [where = "", hex = ""] = values.replay.split(":")
  checks.push(...(await replay(corpus, where, new Uint8Array(Buffer.from(hex, "hex")))))
} else {
  const started = performance.now()
  const sockets = await fuzzSockets(corpus, frames, seed, minutes)
  checks.push(...sockets.checks)
  const between = performance.now()
  console.log(`sockets: ${((between - started) / 1000).toFixed(1)} s`)
  checks.push(...(await fuzzDecoders(corpus, sockets.played, seed)))
  console.log(`decoders: ${((performance.now() - between) / 1000).toFixed(1)} s`)
}
for (const { name, passed, figure } of checks) console.log(`${passed ? "ok    " : "FAILED"} ${name}: ${figure}`)
const passed = checks.filter((check) => check.passed).length
console.log(`${passed} passed, ${checks.length - passed} failed`)
process.exit(passed === checks.length ? 0 : 1)
