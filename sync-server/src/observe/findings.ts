import type { DebugReport, Finding, FindingCode } from "./debug-report.js"

const LITTLE_ROOM_BYTES = 512 * 1024 * 1024
const LATE_MS = 50
const SLOW_READER_BYTES = 1024 * 1024
const LAGGING_UPDATES = 1_000
const SKEWED_MS = 60_000

const rank: Record<Finding["level"], number> = { error: 0, warning: 1, info: 2 }

/** What is worth saying of a report, errors first. [SPEC H2] */
export function findingsOf({ store, eventLoop, connections, peers }: Omit<DebugReport, "findings">): Finding[] {
  const findings: Finding[] = []
  const say = (level: Finding["level"], code: FindingCode, text: string): void => {
    findings.push({ code, level, text })
  }
  if (store.failing) say("error", "STORE_FAILING", "The store refuses writes: nothing is acknowledged.")
  if (store.freeBytes !== undefined && store.freeBytes < LITTLE_ROOM_BYTES) {
    say("warning", "STORE_NEARLY_FULL", `The store's disk has ${Math.floor(store.freeBytes / 2 ** 20)} MiB left.`)
  }
  if (store.quarantined > 0) {
    say("error", "DOCUMENTS_QUARANTINED", `${store.quarantined} documents can't be read: start with --repair.`)
  }
  if (eventLoop.p99Ms > LATE_MS) {
    say("warning", "LOOP_LATE", `One of a hundred turns of the event loop was ${eventLoop.p99Ms} ms late, or more.`)
  }
  const slow = connections.slowest.filter(({ unsentBytes }) => unsentBytes > SLOW_READER_BYTES).length
  if (slow > 0) say("info", "READERS_SLOW", `${slow} connections leave more than 1 MiB unread.`)
  for (const { peer, connected, lag, clockAheadMs } of peers) {
    if (!connected) say("warning", "PEER_AWAY", `There is no link to ${peer}.`)
    if (lag > LAGGING_UPDATES) say("warning", "PEER_LAGS", `${peer} has not acknowledged ${lag} updates.`)
    if (clockAheadMs !== undefined && Math.abs(clockAheadMs) > SKEWED_MS) {
      const side = clockAheadMs > 0 ? "ahead of" : "behind"
      const seconds = Math.round(Math.abs(clockAheadMs) / 1000)
      say("warning", "PEER_CLOCK_SKEWED", `The clock of ${peer} is ${seconds} s ${side} this server's.`)
    }
  }
  return findings.sort((a, b) => rank[a.level] - rank[b.level])
}
