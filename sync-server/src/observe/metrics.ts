import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from "prom-client"

const SECONDS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]

/** What an operator watches; in Prometheus' text format at /metrics. One registry for each server, so that tests can run many. */
export function createMetrics(options: { readonly process: boolean }) {
  const registry = new Registry()
  const registers = [registry]
  if (options.process) collectDefaultMetrics({ register: registry })
  const gauge = (name: string, help: string, collect?: (this: Gauge) => void): Gauge =>
    new Gauge({ name, help, registers, ...(collect && { collect }) })
  const counter = <L extends string>(name: string, help: string, ...labelNames: L[]): Counter<L> =>
    new Counter({ name, help, registers, labelNames })
  const histogram = (name: string, help: string, buckets: number[]): Histogram =>
    new Histogram({ name, help, registers, buckets })
  return {
    registry,
    gauge,
    connections: new Gauge({ name: "weft_connections", help: "Open connections", registers, labelNames: ["path"] }),
    refused: counter("weft_refused_connections_total", "Connections that were refused or closed, by code", "code"),
    entries: counter("weft_acked_entries_total", "Entries that became durable"),
    rejects: counter("weft_rejects_total", "Logs of updates that were refused, by code", "code"),
    fsyncSeconds: histogram("weft_fsync_seconds", "A commit of the store, fsync included", SECONDS),
    appendSeconds: histogram("weft_append_seconds", "From handing an update to the store until it is fsynced", SECONDS),
    ackSeconds: histogram("weft_ack_seconds", "From an update's arrival until its acknowledgement", SECONDS),
    fanOut: counter("weft_fan_out_updates_total", "Updates that were relayed to connections"),
    registers: counter("weft_registers_total", "Receipt registers that became durable"),
    registerRefusals: counter("weft_register_refusals_total", "Receipt registers that were refused, by code", "code"),
    signals: counter("weft_signals_total", "Signals that devices and peers sent, by kind", "kind"),
    signalFrames: counter("weft_signal_frames_total", "Frames of signals that were sent to connections"),
    signalRefusals: counter("weft_signal_refusals_total", "Signals that were refused, by code", "code"),
    merges: counter("weft_merges_total", "Documents whose stored updates were merged"),
    cutRuns: counter("weft_cut_runs_total", "Runs that were set aside because their author was removed"),
    quarantined: gauge("weft_quarantined_documents", "Documents that can't be read and are left alone"),
    storeErrors: counter("weft_store_errors_total", "Failed writes and reads of the store"),
    peerLinks: new Gauge({
      name: "weft_peer_link_up",
      help: "1 while the link is up",
      registers,
      labelNames: ["peer"],
    }),
    peerLag: new Gauge({
      name: "weft_peer_lag_updates",
      help: "Updates that a peer has not acknowledged yet",
      registers,
      labelNames: ["peer"],
    }),
    peerDiffering: counter(
      "weft_peer_differing_documents_total",
      "Documents that comparisons with a peer found to differ",
      "peer",
    ),
    peerClockAhead: new Gauge({
      name: "weft_peer_clock_ahead_seconds",
      help: "By how much a peer's clock was ahead when the link came up",
      registers,
      labelNames: ["peer"],
    }),
    peerRejects: counter("weft_peer_rejects_total", "Logs that a peer refused, by code", "code"),
    peerAckTimeouts: counter("weft_peer_ack_timeouts_total", "Updates whose copies did not come in time"),
    errors: counter("weft_internal_errors_total", "Errors that should not happen; see the log"),
  }
}

export type Metrics = ReturnType<typeof createMetrics>
