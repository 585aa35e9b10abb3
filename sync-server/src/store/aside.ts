import { decodeUpdate, type LogId, type LogRun } from "@weft/sdk/protocol"

/** The name under which a part of a log is set aside, which says where it belongs. */
export function asideName({ log, from }: LogRun): string {
  return `${log}@${from}`
}

/** Where in its log a part begins. */
export function asideFrom(name: string): number {
  return Number(name.slice(name.lastIndexOf("@") + 1))
}

/** The part itself: an update names its log only where that begins. Throws RangeError where it can't be read. */
export function asideRuns(name: string, update: Uint8Array): LogRun[] {
  const log = name.slice(0, name.lastIndexOf("@")) as LogId
  const blocks = decodeUpdate(update)
  if (blocks === undefined) throw new RangeError("what was set aside can't be read")
  return blocks.map(({ client, from, elements }) => ({ log, client, from, elements }))
}
