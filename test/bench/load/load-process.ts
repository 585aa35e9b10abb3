/*
 * Clients of one server, in a process of their own; started by load.ts.
 */
import { automergeLine } from "../line/automerge-line.ts"
import { hocuspocusLine, yWebsocketLine } from "../line/y-line.ts"
import type { Line, PlannedEntry } from "../line/line.ts"
import { plainLine } from "../line/plain-line.ts"
import { weftLine } from "../line/weft-line.ts"
import { realLines } from "../real-text.ts"
import { PacedRoom } from "./paced-room.ts"
import type { LineKind, Percentiles, Report, Said, Work } from "./load.ts"

/** Rooms or connections that are opened at once. */
const OPENED_AT_ONCE = 50

const lines: Record<LineKind, () => Line | Promise<Line>> = {
  weft: weftLine,
  "plain-ws": () => plainLine,
  "y-websocket": () => yWebsocketLine,
  hocuspocus: hocuspocusLine,
  "automerge-repo": automergeLine,
}
const work = JSON.parse(process.argv[2] ?? "{}") as Work
const say = (said: Said): void => {
  process.send?.(said)
}
process.on("disconnect", () => process.exit(0))
// what nobody awaits here is a socket or a refusal: the measurement is over
process.on("unhandledRejection", (error) => {
  console.error(error)
  process.exit(1)
})

const line = await lines[work.line]()
const firstRoom = work.firstRoom ?? 0
const texts = await realLines(work.before + work.entries + firstRoom + work.rooms)
await inPortions(work.idle ?? 0, (number) => line.connect(work.urls[0] ?? "", `idle-${number}`))
const rooms = await inPortions(work.rooms, (index) => {
  const number = firstRoom + index
  return PacedRoom.open(
    line,
    {
      name: `room-${number}`,
      users: Array.from({ length: work.members }, (_, member) => userOf(number, member)),
      urls: work.urls,
      entries: entriesOf(number),
      batchSize: work.batchSize ?? 1,
    },
    work,
  )
})
await Promise.all(rooms.map((room) => room.write(work.before)))
process.on("message", () => {
  measure().then(
    (report) => say({ kind: "done", report }),
    (error: unknown) => {
      console.error(error)
      process.exit(1)
    },
  )
})
say({ kind: "ready" })

async function measure(): Promise<Report> {
  const start = performance.now()
  const written = await Promise.all(rooms.map((room) => room.write(work.entries)))
  const seconds = (performance.now() - start) / 1000
  return {
    entries: written.reduce((sum, { entries }) => sum + entries, 0),
    deliveries: written.reduce((sum, { deliveries }) => sum + deliveries, 0),
    seconds,
    delivered: percentiles(written.flatMap(({ delivered }) => delivered)),
    afterAck: percentiles(written.flatMap(({ afterAck }) => afterAck)),
  }
}

function userOf(room: number, member: number): string {
  return `user-${Math.floor(room / (work.sharedBy ?? 1))}-${member}`
}

/** The log from a different line on in each room, with its authors as the members. */
function entriesOf(room: number): PlannedEntry[] {
  return texts
    .slice(room, room + work.before + work.entries)
    .map(({ author, text }) => ({ member: author % work.members, text }))
}

async function inPortions<T>(count: number, make: (number: number) => Promise<T>): Promise<T[]> {
  const made: T[] = []
  for (let from = 0; from < count; from += OPENED_AT_ONCE) {
    const portion = Array.from({ length: Math.min(OPENED_AT_ONCE, count - from) }, (_, index) => make(from + index))
    made.push(...(await Promise.all(portion)))
  }
  return made
}

function percentiles(values: readonly number[]): Percentiles {
  const sorted = values.slice().sort((a, b) => a - b)
  const at = (part: number): number => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? 0
  return { p50: at(0.5), p99: at(0.99) }
}
