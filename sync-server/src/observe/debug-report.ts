import { hex, PROTOCOL_VERSION } from "@weft/sdk/protocol"
import packageJson from "../../package.json" with { type: "json" }
import { findingsOf, type Finding } from "./findings.js"
import type { LoopDelay, LoopMonitor } from "./loop-monitor.js"
import type { Metrics } from "./metrics.js"

/** What a server's core says of itself. */
export interface CoreState {
  readonly store: {
    /** Whether it refuses writes. */
    readonly failing: boolean
    readonly documents: number
    readonly documentsInMemory: number
    /** Writes that wait for their fsync. */
    readonly pendingWrites: number
    /** Of the database's files, and of what its disk has left; undefined where it is on none. */
    readonly usedBytes: number | undefined
    readonly freeBytes: number | undefined
  }
  readonly unsentBytes: number
  /** The connections that leave most unread, most first. */
  readonly slowest: readonly SlowConnection[]
}

export interface SlowConnection {
  readonly unsentBytes: number
  /** Since its last frame. */
  readonly silentMs: number
}

export interface PeerState {
  /** Host and port. */
  readonly peer: string
  readonly connected: boolean
  /** Updates that it has not acknowledged yet. */
  readonly lag: number
  /** Documents that comparisons with it found to differ, since the start. */
  readonly differing: number
  /** By how much its clock was ahead when the link came up; undefined before that. */
  readonly clockAheadMs: number | undefined
}

/** How a server is doing: counts, sizes, times, codes and peers' addresses. No name of a user or document. [SPEC H3] */
export interface DebugReport {
  readonly version: string
  readonly protocol: number
  /** The server's public key, in hex. */
  readonly server: string
  readonly uptimeMs: number
  /** Since the last report. */
  readonly eventLoop: LoopDelay
  readonly memory: { readonly rssBytes: number; readonly heapUsedBytes: number; readonly externalBytes: number }
  readonly store: CoreState["store"] & { readonly quarantined: number; readonly errors: number }
  readonly connections: {
    readonly open: Readonly<Record<string, number>>
    readonly refused: Readonly<Record<string, number>>
    readonly unsentBytes: number
    readonly slowest: readonly SlowConnection[]
  }
  readonly peers: readonly PeerState[]
  /** `time`: milliseconds since 1970. `refused`: updates and registers whose clocks were too far ahead of it, by code. */
  readonly clocks: { readonly time: number; readonly refused: Readonly<Record<string, number>> }
  readonly findings: readonly Finding[]
}

export interface DebugPorts {
  readonly metrics: Metrics
  readonly loop: LoopMonitor
  readonly publicKey: Uint8Array
  readonly startedAt: number
  now(): number
  inspect(): Promise<CoreState>
}

export async function readDebugReport(ports: DebugPorts): Promise<DebugReport> {
  const { metrics } = ports
  const { store, unsentBytes, slowest } = await ports.inspect()
  const { rss, heapUsed, external } = process.memoryUsage()
  const refused = await Promise.all([metrics.rejects, metrics.registerRefusals].map((counter) => by("code", counter)))
  const facts = {
    version: packageJson.version,
    protocol: PROTOCOL_VERSION,
    server: hex(ports.publicKey),
    uptimeMs: ports.now() - ports.startedAt,
    eventLoop: ports.loop.read(),
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
      // A URL may hold a password.
      peer: URL.canParse(peer) ? new URL(peer).host : "",
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
