import { TOLERATED_SKEW_MS } from "../sync/replica.js"
import type { Diagnosis, Finding, FindingCode } from "./diagnosis.js"

const NEARLY_FULL = 0.9
const LITTLE_ROOM_BYTES = 32 * 1024 * 1024
const SLOW_ROUND_TRIP_MS = 2_000
const LONG_WAIT_MS = 5 * 60_000

const rank: Record<Finding["level"], number> = { error: 0, warning: 1, info: 2 }

/** What is worth saying of a diagnosis, errors first. `now`: by the clock that what waits was written by. [SPEC H2] */
export function findingsOf(diagnosis: Omit<Diagnosis, "findings">, now: number): Finding[] {
  const { storage, connection, clock, waiting } = diagnosis
  const findings: Finding[] = []
  const say = (level: Finding["level"], code: FindingCode, text: string): void => {
    findings.push({ code, level, text })
  }

  if (storage.failing) {
    const code = storage.lastFailure?.code ?? "STORE_FAILED"
    say("error", "STORAGE_FAILING", `The storage fails (${code}): what is written now is in memory only.`)
  }
  if (isNearlyFull(storage)) say("warning", "STORAGE_NEARLY_FULL", "The storage is nearly full.")
  if (!storage.persisted) {
    say("info", "STORAGE_NOT_PERSISTED", "The platform may delete this storage when it needs room.")
  }

  if (connection.state === "refused") {
    const code = connection.lastRefusal === undefined ? "" : ` (${connection.lastRefusal})`
    say("error", "REFUSED", `The server refuses this device for good${code}.`)
  } else if (connection.state !== "online" && connection.state !== "local") {
    say("info", "OFFLINE", "There is no connection to a server.")
  }
  const { state, roundTripMs } = connection
  if (state === "online" && roundTripMs !== undefined && roundTripMs > SLOW_ROUND_TRIP_MS) {
    say("warning", "SERVER_LAGS", `The server took ${roundTripMs} ms to answer.`)
  }

  if (clock.skewMs !== undefined && Math.abs(clock.skewMs) > TOLERATED_SKEW_MS) {
    const seconds = Math.round(Math.abs(clock.skewMs) / 1000)
    const side = clock.skewMs > 0 ? "ahead of" : "behind"
    say("warning", "CLOCK_SKEWED", `This device's clock is ${seconds} s ${side} the server's.`)
  }

  if (waiting.since !== undefined && now - waiting.since > LONG_WAIT_MS) {
    const minutes = Math.floor((now - waiting.since) / 60_000)
    const level = connection.state === "online" ? "warning" : "info"
    say(level, "WAITS_LONG", `Something has been waiting for a server for ${minutes} minutes.`)
  }
  if (waiting.refused > 0) {
    say("warning", "WRITES_REFUSED", `${waiting.refused} messages or changes were refused: retry or discard them.`)
  }
  return findings.sort((a, b) => rank[a.level] - rank[b.level])
}

function isNearlyFull({ usedBytes, quotaBytes }: Diagnosis["storage"]): boolean {
  if (usedBytes === undefined || quotaBytes === undefined) return false
  return usedBytes > NEARLY_FULL * quotaBytes || quotaBytes - usedBytes < LITTLE_ROOM_BYTES
}
