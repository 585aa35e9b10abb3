import { hex, PROTOCOL_VERSION } from "@weft/sdk/protocol"
import packageJson from "../../package.json" with { type: "json" }
import type { CoreState, DebugReport, PeerState } from "./debug-report.js"
import { findingsOf } from "./findings.js"
import { startLoopMonitor, type LoopMonitor } from "./loop-monitor.js"
import type { Metrics } from "./metrics.js"

/** What /debug answers, and the secret that opens it. */
export interface Debug {
  readonly adminToken: string
  read(): Promise<DebugReport>
  close(): void
}

interface DebugPorts {
  readonly metrics: Metrics
  readonly publicKey: Uint8Array
  now(): number
  inspect(): Promise<CoreState>
}

/** Watches this process from now on, for reports. */
export function startDebug(adminToken: string, ports: DebugPorts): Debug {
  const loop = startLoopMonitor()
  const startedAt = ports.now()
  return {
    adminToken,
    read: () => readReport(ports, loop, startedAt),
    close: () => {
      loop.close()
    },
  }
}

async function readReport(ports: DebugPorts, loop: LoopMonitor, startedAt: number): Promise<DebugReport> {
  const { metrics } = ports
  const { store, unsentBytes, slowest } = await ports.inspect()
  const { rss, heapUsed, external } = process.memoryUsage()
  const refused = await Promise.all([metrics.rejects, metrics.registerRefusals].map((counter) => by("code", counter)))
  const facts = {
    version: packageJson.version,
    protocol: PROTOCOL_VERSION,
    server: hex(ports.publicKey),
    uptimeMs: ports.now() - startedAt,
    eventLoop: loop.read(),
    memory: { rssBytes: rss, heapUsedBytes: heapUsed, externalBytes: external },
    store: { ...store, quarantined: await valueOf(metrics.quarantined), errors: await valueOf(metrics.storeErrors) },
    connections: {
      open: Object.fromEntries(await by("path", metrics.connections)),
      refused: Object.fromEntries(await by("code", metrics.refused)),
      unsentBytes,
      slowest,
    },
    peers: await readPeers(metrics),
    clocks: { time: ports.now(), refused: sumOfClocks(refused) },
  }
  return { ...facts, findings: findingsOf(facts) }
}

async function readPeers(metrics: Metrics): Promise<PeerState[]> {
  const [links, lag, differing, ahead] = await Promise.all(
    [metrics.peerLinks, metrics.peerLag, metrics.peerDiffering, metrics.peerClockAhead].map((one) => by("peer", one)),
  )
  return Array.from(links ?? [], ([peer, up]) => {
    const aheadSeconds = ahead?.get(peer)
    return {
      peer,
      connected: up === 1,
      lag: lag?.get(peer) ?? 0,
      differing: differing?.get(peer) ?? 0,
      clockAheadMs: aheadSeconds === undefined ? undefined : Math.round(aheadSeconds * 1000),
    }
  })
}

interface Metric {
  get(): Promise<{ values: { value: number; labels: Partial<Record<string, string | number>> }[] }>
}

async function by(label: string, metric: Metric): Promise<Map<string, number>> {
  const { values } = await metric.get()
  return new Map(values.map(({ labels, value }) => [String(labels[label]), value]))
}

async function valueOf(metric: Metric): Promise<number> {
  const { values } = await metric.get()
  return values[0]?.value ?? 0
}

function sumOfClocks(counts: readonly ReadonlyMap<string, number>[]): Record<string, number> {
  const sum = (code: string): number => counts.reduce((total, count) => total + (count.get(code) ?? 0), 0)
  return Object.fromEntries(["CLOCK_AHEAD", "CLOCK_FAR_AHEAD"].map((code) => [code, sum(code)]))
}
