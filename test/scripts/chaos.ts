/*
 * npm run chaos -- --rounds N [--minutes M] [--seed S] [--clients 200] [--audit-every 20]
 *
 * Real servers, sockets and clients through rounds of crashes, partitions, lost data and a full disk; then everything that
 * was acknowledged must be everywhere, and nothing else. The seed replays the plan of what goes wrong when; timing is the
 * machine's, so a run is never quite the same. --minutes: after so long the round at hand is the last one. An audit reads
 * everything anew, so in a long run more of them cost more than the rounds.
 */
import { ChaosRun } from "../chaos/chaos.ts"
import { faultKinds } from "../chaos/plan.ts"
import { endWithUsage, readFlags } from "../support/flags.ts"

const USAGE = "npm run chaos -- --rounds N [--minutes M] [--seed S] [--clients 200] [--audit-every 20]"

const { values } = readFlags(USAGE, {
  options: {
    rounds: { type: "string", default: "20" },
    minutes: { type: "string", default: "600" },
    seed: { type: "string" },
    clients: { type: "string", default: "200" },
    "audit-every": { type: "string", default: "20" },
  },
})
const seed = Number(values.seed ?? crypto.getRandomValues(new Uint32Array(1))[0])
const numbers = {
  rounds: Number(values.rounds),
  clients: Number(values.clients),
  auditEvery: Number(values["audit-every"]),
}
const minutes = Number(values.minutes)
if (
  !Object.values({ seed, ...numbers }).every((number) => Number.isSafeInteger(number) && number >= 0) ||
  !(minutes >= 0)
) {
  endWithUsage(USAGE, "rounds, clients and seed are whole numbers, and minutes a number")
}
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => process.exit(1))

console.log(`chaos: seed ${seed}`)
const { rounds, passed, failed, faults } = await ChaosRun.run({ ...numbers, minutes, seed, print: console.log })
console.log("\nfault         times")
for (const kind of faultKinds) console.log(`${kind.padEnd(14)}${String(faults.get(kind) ?? 0).padStart(5)}`)
console.log(`\nseed ${seed}: ${rounds} rounds of ${numbers.rounds} that were asked for, ${numbers.clients} clients`)
console.log(`${passed} passed, ${failed} failed`)
process.exit(failed === 0 ? 0 : 1)
