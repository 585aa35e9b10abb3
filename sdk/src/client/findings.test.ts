import { expect, it } from "vitest"
import type { Diagnosis } from "./diagnosis.js"
import { findingsOf } from "./findings.js"

type Facts = Omit<Diagnosis, "findings">

const now = Date.UTC(2026, 0, 1)
const well: Facts = {
  at: now,
  storage: {
    kind: "indexeddb",
    usedBytes: 1e6,
    quotaBytes: 1e9,
    persisted: true,
    failing: false,
    lastFailure: undefined,
  },
  connection: { state: "online", server: "wss://a", roundTripMs: 40, reconnects: 0, lastRefusal: undefined },
  clock: { skewMs: 12 },
  waiting: { messages: 0, changes: 0, since: undefined, refused: 0 },
  documents: { conversations: 1, segments: 1, open: 1, largest: { messages: 3, bytes: 900 } },
  tab: "writer",
}
const { storage, connection, waiting } = well
const minutes = (count: number): number => now - count * 60_000

const cases: [what: string, facts: Partial<Facts>, findings: string[]][] = [
  ["all is well", {}, []],
  ["without servers", { connection: { ...connection, state: "local", roundTripMs: undefined } }, []],
  ["the storage fails", { storage: { ...storage, failing: true } }, ["error STORAGE_FAILING"]],
  ["a share of the quota is left", { storage: { ...storage, usedBytes: 0.95e9 } }, ["warning STORAGE_NEARLY_FULL"]],
  ["few bytes are left", { storage: { ...storage, usedBytes: 1, quotaBytes: 2e7 } }, ["warning STORAGE_NEARLY_FULL"]],
  ["how full it is is not known", { storage: { ...storage, usedBytes: undefined } }, []],
  ["the platform may evict", { storage: { ...storage, persisted: false } }, ["info STORAGE_NOT_PERSISTED"]],
  ["refused for good", { connection: { ...connection, state: "refused" } }, ["error REFUSED"]],
  ["the next try is due", { connection: { ...connection, state: "waiting" } }, ["info OFFLINE"]],
  ["a slow answer", { connection: { ...connection, roundTripMs: 2_001 } }, ["warning SERVER_LAGS"]],
  ["ahead of the server", { clock: { skewMs: 60_001 } }, ["warning CLOCK_SKEWED"]],
  ["behind the server", { clock: { skewMs: -60_001 } }, ["warning CLOCK_SKEWED"]],
  ["a short wait", { waiting: { ...waiting, messages: 1, since: minutes(4) } }, []],
  ["a long wait", { waiting: { ...waiting, messages: 1, since: minutes(6) } }, ["warning WAITS_LONG"]],
  ["refused messages", { waiting: { ...waiting, refused: 2 } }, ["warning WRITES_REFUSED"]],
  [
    "several, errors first",
    {
      storage: { ...storage, persisted: false, failing: true },
      connection: { ...connection, state: "offline" },
      waiting: { ...waiting, messages: 1, since: minutes(90) },
    },
    ["error STORAGE_FAILING", "info STORAGE_NOT_PERSISTED", "info OFFLINE", "info WAITS_LONG"],
  ],
]

it.each(cases)("[H2] %s", (_what, facts, expected) => {
  const findings = findingsOf({ ...well, ...facts }, now)
  expect(findings.map(({ level, code }) => `${level} ${code}`)).toEqual(expected)
})
