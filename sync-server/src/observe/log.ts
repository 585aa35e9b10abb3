import { pino, type Logger } from "pino"

export type Log = Logger

/** JSON lines on stdout, where whatever runs the server collects them. Never holds tokens or message contents. */
export function createLog(level: string): Log {
  return pino({ name: "weft", level }, pino.destination({ dest: 1, sync: true }))
}
