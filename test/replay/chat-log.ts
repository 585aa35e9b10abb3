import { createReadStream } from "node:fs"
import { createInterface } from "node:readline"
import { createGunzip } from "node:zlib"

/** A line of a chat log; see test/data/README.md. */
export interface LogLine {
  readonly room: string
  readonly from: string
  readonly text: string
  /** Unique in its room. */
  readonly line: number
  /** The line that this one answers. */
  readonly replyTo?: number
}

/** The lines of a gzipped log by room, in their order; of one room where given. */
export async function readRooms(file: string, only?: string): Promise<Map<string, LogLine[]>> {
  const rooms = new Map<string, LogLine[]>()
  for await (const line of createInterface({ input: createReadStream(file).pipe(createGunzip()) })) {
    const read = JSON.parse(line) as LogLine
    if (only !== undefined && read.room !== only) continue
    const lines = rooms.get(read.room)
    if (lines === undefined) rooms.set(read.room, [read])
    else lines.push(read)
  }
  return rooms
}
