/*
 * npm run chaos -- --rounds N [--seed S] [--clients 200] [--audit-every 20]
 *
 * Real servers, sockets and clients through rounds of crashes, partitions, lost data and a full disk; then everything that
 * was acknowledged must be everywhere, and nothing else. The seed replays the plan of what goes wrong when; timing is the
 * machine's, so a run is never quite the same.
 */
import { parseArgs } from "node:util"
import { ChaosRun } from "../chaos/chaos.ts"
import { faultKinds } from "../chaos/plan.ts"

const { values } = parseArgs({
  options: {
    rounds: { type: "string", default: "20" },
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
if (!Object.values({ seed, ...numbers }).every((number) => Number.isSafeInteger(number) && number >= 0)) {
  console.error("usage: npm run chaos -- --rounds N [--seed S] [--clients 200] [--audit-every 20]")
  process.exit(2)
}
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => process.exit(1))

console.log(`chaos: seed ${seed}`)
const { passed, failed, faults } = await ChaosRun.run({ ...numbers, seed, print: console.log })
console.log("\nfault         times")
for (const kind of faultKinds) console.log(`${kind.padEnd(14)}${String(faults.get(kind) ?? 0).padStart(5)}`)
console.log(`\nseed ${seed}: ${numbers.rounds} rounds asked for, ${numbers.clients} clients`)
console.log(`${passed} passed, ${failed} failed`)
process.exit(failed === 0 ? 0 : 1)
