/* What goes wrong in a round and what is written meanwhile: a function of seed and round, and of nothing else. */
import { randomOf, type Random } from "../support/seed.ts"

export const SERVERS = 3
/** The server whose data lies on a small disk of its own. */
export const SMALL_DISK = 2
const ROUND_MS = 1_200

/** What a fault holds on to: two faults of one round never share any. */
type Seat = `process ${number}` | `line ${number}` | "clients"

const kinds = {
  /** SIGKILL; started again at the end. */
  kill: { weight: 4, one: true, seats: oneProcess },
  "kill all": { weight: 1, one: false, seats: allProcesses },
  /** SIGSTOP, SIGCONT. */
  freeze: { weight: 3, one: true, seats: oneProcess },
  /** No line to the server lets anything through, neither of clients nor of peers. */
  isolate: { weight: 3, one: true, seats: lines },
  /** Its peers are out of reach, its clients are not: both sides of the partition go on writing. */
  split: { weight: 3, one: true, seats: lines },
  /** Its clients are out of reach, its peers are not. */
  unreachable: { weight: 2, one: true, seats: lines },
  "half-open": { weight: 2, one: true, seats: lines },
  /** All connections are reset, three times. */
  cut: { weight: 3, one: true, seats: lines },
  /** The same in the middle of a chunk. */
  tear: { weight: 3, one: true, seats: lines },
  delay: { weight: 2, one: true, seats: lines },
  halve: { weight: 3, one: true, seats: lines },
  /** Killed, and its data folder deleted. */
  wipe: { weight: 2, one: true, seats: oneProcess },
  "wipe all": { weight: 1, one: false, seats: allProcesses },
  "full disk": { weight: 2, one: false, seats: () => [`process ${SMALL_DISK}`] },
  /** The process that holds the clients with LevelDB is killed and started again. */
  "kill clients": { weight: 2, one: false, seats: () => ["clients"] },
} as const satisfies Record<string, { weight: number; one: boolean; seats: (server: number) => readonly Seat[] }>

export type FaultKind = keyof typeof kinds
export const faultKinds = Object.keys(kinds) as FaultKind[]

export interface Fault {
  readonly kind: FaultKind
  /** Undefined where it is not about one server. */
  readonly server: number | undefined
  /** Milliseconds from the start of the round. */
  readonly from: number
  readonly until: number
  /** What the kind makes of it: which end leaves, how slow the line is. */
  readonly chance: number
}

export interface Writing {
  readonly at: number
  readonly client: number
  /** Which of the client's conversations. */
  readonly conversation: number
  readonly length: number
}

export interface Plan {
  readonly faults: readonly Fault[]
  readonly writings: readonly Writing[]
}

function oneProcess(server: number): readonly Seat[] {
  return [`process ${server}`]
}

function lines(server: number): readonly Seat[] {
  return [`line ${server}`]
}

function allProcesses(): readonly Seat[] {
  return Array.from({ length: SERVERS }, (_, server): Seat => `process ${server}`)
}

/** The plan of one round. `without`: kinds that this machine can't do. */
export function planRound(seed: number, round: number, clients: number, without: readonly FaultKind[] = []): Plan {
  const random = randomOf((seed * 1_000_003 + round) >>> 0)
  const bag = faultKinds.flatMap((kind) => Array.from({ length: kinds[kind].weight }, () => kind))
  const taken = new Set<Seat>()
  const faults: Fault[] = []
  // The first comes by turns, so that no kind is left out for long.
  const wanted = [turnOf(seed, round), ...Array.from({ length: random.below(3) }, () => random.pick(bag))]
  for (const kind of wanted) {
    const server = random.below(SERVERS)
    const fault = {
      kind,
      server: kinds[kind].one ? server : undefined,
      from: random.below(ROUND_MS / 3),
      until: ROUND_MS / 2 + random.below(ROUND_MS / 2),
      chance: random.below(1000) / 1000,
    }
    const seats = kinds[kind].seats(server)
    if (without.includes(kind) || seats.some((seat) => taken.has(seat))) continue
    for (const seat of seats) taken.add(seat)
    faults.push(fault)
  }
  const writings = Array.from({ length: Math.ceil(clients / 2) }, () => planWriting(random, clients))
  return { faults, writings: writings.sort((a, b) => a.at - b.at) }
}

/** All kinds in a new order, again and again. */
function turnOf(seed: number, round: number): FaultKind {
  const turn = Math.floor((round - 1) / faultKinds.length)
  const random = randomOf((seed * 7_919 + turn) >>> 0)
  const left = [...faultKinds]
  for (let skipped = (round - 1) % faultKinds.length; skipped > 0; skipped--) left.splice(random.below(left.length), 1)
  return random.pick(left)
}

function planWriting(random: Random, clients: number): Writing {
  return {
    at: random.below(ROUND_MS),
    client: random.below(clients),
    conversation: random.below(2),
    length: random.oneIn(20) ? random.below(8_000) : random.below(200),
  }
}

export function describeFault({ kind, server, from, until }: Fault): string {
  return `${kind}${server === undefined ? "" : ` ${server}`} ${from}-${until} ms`
}
