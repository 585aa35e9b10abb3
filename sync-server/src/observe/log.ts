import { pino, type Logger } from "pino"

export type Log = Logger

/** JSON lines on stderr: stdout stays free for what a person asked to see. Never holds tokens or message contents. */
export function createLog(level: string): Log {
  return pino({ name: "weft", level }, pino.destination({ dest: 2, sync: true }))
}
