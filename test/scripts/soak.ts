/*
 * npm run soak -- --minutes M [--snapshots FOLDER]
 *
 * Connects and disconnects, opens, idles and closes documents, at a gentle pace, against a server process. After a quarter
 * of the time it reads both heaps every few seconds after a forced collection, and fits a line. It passes where the slope, less
 * two standard errors of it, is not above MAX_BYTES_PER_OPERATION: what a leak of one object for each operation would exceed.
 * Neither process optimizes its code: what V8's compilers make of it grows for an hour, and hides what is looked for.
 * With --snapshots both heaps are written to the folder after the warm-up and at the end, to compare in Chrome's inspector.
 */
import { kilobytes, MAX_BYTES_PER_OPERATION, soak } from "../soak/run.ts"
import { endWithUsage, readFlags } from "../support/flags.ts"

const USAGE = "npm run soak -- --minutes M [--snapshots FOLDER]"

const { values } = readFlags(USAGE, {
  options: { minutes: { type: "string", default: "60" }, snapshots: { type: "string" } },
})
const minutes = Number(values.minutes)
if (!(minutes > 0)) endWithUsage(USAGE, "minutes is a number above 0")
const { operations, counts, heaps, errors, uncaught } = await soak(minutes, console.log, values.snapshots)
console.log(`${operations} operations: ${Array.from(counts, ([what, count]) => `${what} ${count}`).join(", ")}`)
let passed = 0
let failed = 0
function check(name: string, holds: boolean, figure: string): void {
  if (holds) passed++
  else failed++
  console.log(`${holds ? "ok    " : "FAILED"} ${name}: ${figure}`)
}
for (const { name, points, bytesPerMinute, bytesPerOperation, fit, error } of heaps) {
  const [first, last] = [points[0]?.bytes ?? 0, points.at(-1)?.bytes ?? 0]
  check(
    `heap of the ${name}`,
    bytesPerOperation - error <= MAX_BYTES_PER_OPERATION,
    `${bytesPerOperation.toFixed(1)} +- ${error.toFixed(1)} bytes per operation, ${bytesPerMinute.toFixed(0)} bytes per minute, ` +
      `R2 ${fit.toFixed(2)}, ${points.length} readings from ${kilobytes(first)} to ${kilobytes(last)}`,
  )
}
check("the server met nothing unexpected", errors === 0 && uncaught === 0, `${errors} errors, ${uncaught} uncaught`)
console.log(`${passed} passed, ${failed} failed`)
process.exit(failed === 0 ? 0 : 1)
