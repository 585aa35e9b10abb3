/** One measurement of Weft, beside others in the same run. */
export interface Figure {
  readonly value: number
  readonly unit: string
  /** What is to be reached: `value` at most, or at least. */
  readonly target: number
  readonly better: "less" | "more"
  readonly ok: boolean
  /** The same of what users would pick instead, in the same unit; what a peer does not do is said in `notes`. */
  readonly peers: Readonly<Record<string, number>>
  /** What could be reached at all: by the wire, the disk or the processor. */
  readonly limit?: number
  /** Of exact benches: what says the same on any machine, and is compared with the baseline; less is better. */
  readonly counts: Readonly<Record<string, number>>
  readonly notes: readonly string[]
}

export interface Bench {
  readonly name: string
  readonly what: string
  /** Whether it counts, bytes or round trips: then it says the same on any machine, and CI runs it. */
  readonly exact: boolean
  run(say: (line: string) => void): Promise<Figure>
}

/** A figure without what it has none of. */
export function figure(
  of: Omit<Figure, "ok" | "peers" | "notes" | "counts"> & Partial<Pick<Figure, "peers" | "notes" | "counts">>,
): Figure {
  const ok = of.better === "less" ? of.value <= of.target : of.value >= of.target
  return { peers: {}, notes: [], counts: {}, ...of, ok }
}
