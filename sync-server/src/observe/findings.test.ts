import { expect, it } from "vitest"
import type { DebugReport } from "./debug-report.js"
import { findingsOf } from "./findings.js"

type Facts = Omit<DebugReport, "findings">

const well: Facts = {
  version: "1.0.0",
  protocol: 1,
  server: "00",
  uptimeMs: 1_000,
  eventLoop: { p50Ms: 0, p99Ms: 3, maxMs: 200 },
  memory: { rssBytes: 1e8, heapUsedBytes: 1e7, externalBytes: 1e6 },
  store: {
    failing: false,
    documents: 10,
    documentsInMemory: 2,
    pendingWrites: 0,
    usedBytes: 1e6,
    freeBytes: 1e11,
    quarantined: 0,
    errors: 0,
  },
  connections: { open: { "/sync": 1 }, refused: {}, unsentBytes: 0, slowest: [] },
  peers: [{ peer: "other", connected: true, lag: 0, differing: 0, clockAheadMs: 20 }],
  clocks: { time: 0, refused: {} },
}
const { store, connections } = well
const peer = well.peers[0]!

const cases: [what: string, facts: Partial<Facts>, findings: string[]][] = [
  ["all is well", {}, []],
  ["the store fails", { store: { ...store, failing: true } }, ["error STORE_FAILING"]],
  ["the disk has little room", { store: { ...store, freeBytes: 1e8 } }, ["warning STORE_NEARLY_FULL"]],
  ["there is no disk", { store: { ...store, freeBytes: undefined } }, []],
  ["damaged documents", { store: { ...store, quarantined: 2 } }, ["error DOCUMENTS_QUARANTINED"]],
  ["a late event loop", { eventLoop: { p50Ms: 10, p99Ms: 51, maxMs: 90 } }, ["warning LOOP_LATE"]],
  [
    "a slow reader, and one that reads",
    { connections: { ...connections, slowest: [2e6, 1e3].map((unsentBytes) => ({ unsentBytes, silentMs: 5 })) } },
    ["info READERS_SLOW"],
  ],
  ["a peer that is away", { peers: [{ ...peer, connected: false }] }, ["warning PEER_AWAY"]],
  ["a peer that lags", { peers: [{ ...peer, lag: 1_001 }] }, ["warning PEER_LAGS"]],
  ["a peer whose clock is behind", { peers: [{ ...peer, clockAheadMs: -60_001 }] }, ["warning PEER_CLOCK_SKEWED"]],
  [
    "several, errors first",
    { peers: [{ ...peer, connected: false }], store: { ...store, quarantined: 1 } },
    ["error DOCUMENTS_QUARANTINED", "warning PEER_AWAY"],
  ],
]

it.each(cases)("[H2] %s", (_what, facts, expected) => {
  expect(findingsOf({ ...well, ...facts }).map(({ level, code }) => `${level} ${code}`)).toEqual(expected)
})
