/*
 * npm run replay -- --file F.jsonl.gz [--room R] --server URL [--server URL2] [--mix SEED]
 *
 * Replays real chat logs through the SDK against running development servers: one headless device per author, taking
 * turns between the servers, in the order of the log, answers as replies; without --room all rooms, one after another.
 * With --mix also reactions, edits, erasures, receipts, changes of membership and offline spells, the same for the same seed;
 * unread counts are compared with a bookkeeper's, and at the end every message is read by all. Ends when all devices and
 * servers hold the same.
 */
import { readRooms } from "../replay/chat-log.ts"
import { replayRoom } from "../replay/replay.ts"
import { endWithUsage, readFlags } from "../support/flags.ts"
import { randomOf } from "../support/seed.ts"

const USAGE = "npm run replay -- --file F.jsonl.gz [--room R] --server URL [--server URL2] [--window N] [--mix SEED]"

const { values } = readFlags(USAGE, {
  options: {
    file: { type: "string" },
    room: { type: "string" },
    server: { type: "string", multiple: true },
    mix: { type: "string" },
    window: { type: "string", default: "64" },
  },
})
if (values.file === undefined || values.server === undefined) {
  endWithUsage(USAGE, "a file and a server are needed")
}
const servers = values.server
const rooms = await readRooms(values.file, values.room)
let passed = 0
let failed = 0
let messages = 0
let seconds = 0
let authors = 0
for (const [room, lines] of rooms) {
  const mix = values.mix === undefined ? {} : { mix: randomOf(Number(values.mix)) }
  const result = await replayRoom({ lines, servers, window: Number(values.window), ...mix })
  const hashes = new Set(result.projections.values())
  const wrong = Array.from(result.unread).filter(([, { counted, expected }]) => counted !== expected)
  if (hashes.size === 1 && wrong.length === 0) passed++
  else failed++
  messages += result.messages
  seconds += result.seconds
  authors += result.authors
  console.log(
    `${room}: ${result.messages} messages, ${result.replies} replies, ${result.authors} authors, ${result.seconds.toFixed(1)} s, ` +
      `${(result.messages / result.seconds).toFixed(0)} acked/s, ${result.bytesPerEntry.toFixed(1)} bytes per entry ` +
      `(text ${result.textBytes.toFixed(1)}), digest ${result.digest.slice(0, 16)}`,
  )
  if (result.mixed !== undefined) {
    console.log(`  mixed in: ${JSON.stringify(result.mixed)}`)
    console.log(
      `  unread counts of ${result.unread.size} devices, ${wrong.length} of them wrong; ${result.ticks} messages read by all`,
    )
    for (const [name, { counted, expected }] of wrong)
      console.log(`  ${name} counts ${counted} unread, not ${expected}`)
  }
  for (const server of servers) console.log(`  ${server} projection ${result.projections.get(server)}`)
  console.log(`  ${result.projections.size} replicas, ${hashes.size} projection${hashes.size === 1 ? "" : "s"}`)
}
console.log(
  `${rooms.size} rooms, ${messages} messages, ${authors} authors, ${seconds.toFixed(1)} s, ` +
    `${(messages / seconds).toFixed(0)} acked/s`,
)
console.log(`${passed} passed, ${failed} failed`)
process.exit(failed === 0 ? 0 : 1)
