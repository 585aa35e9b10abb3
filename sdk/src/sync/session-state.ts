import { unreachable } from "../base/brand.js"
import type { RefusalCode } from "../protocol/codes.js"
import { isTransient } from "../protocol/codes.js"

/** Where a device's connection is. Pure: `step` decides, `session.ts` acts. */
export type SessionState =
  /** Not wanted: no server given, offline, or another tab holds the socket. */
  | { readonly kind: "idle" }
  | { readonly kind: "connecting"; readonly attempt: Attempt }
  /** The socket is open; `hello` and `welcome` are under way. */
  | { readonly kind: "greeting"; readonly attempt: Attempt }
  /** `failures`: in a row, before it. */
  | { readonly kind: "live"; readonly server: number; readonly since: number; readonly failures: number }
  | {
      readonly kind: "waiting"
      readonly until: number
      readonly attempt: Attempt
      readonly code: RefusalCode | "UNREACHABLE"
    }
  /** Every server refused for good. */
  | { readonly kind: "refused"; readonly server: number; readonly code: RefusalCode }

interface Attempt {
  /** Index of the server. */
  readonly server: number
  /** Failures in a row. */
  readonly failures: number
  /** Servers that refused for good since the last success, by index. */
  readonly refused: readonly number[]
}

export type SessionEvent =
  /** A connection is wanted: going online, the first server, this tab became the writer. */
  | { readonly kind: "start"; readonly servers: number }
  | { readonly kind: "stop" }
  | { readonly kind: "opened" }
  | { readonly kind: "welcomed" }
  /** The connection ended; `code` where it was refused. */
  | {
      readonly kind: "closed"
      readonly code: RefusalCode | undefined
      readonly servers: number
      readonly chance: number
    }
  /** The timer of the last `schedule` or `limit` effect. */
  | { readonly kind: "timer"; readonly servers: number; readonly chance: number }
  /** Network or tab came back: a waiting session tries at once. */
  | { readonly kind: "hurry"; readonly servers: number }

export type SessionEffect =
  | { readonly kind: "connect"; readonly server: number }
  /** Ends the connection without an event of its own. */
  | { readonly kind: "disconnect" }
  /** Sets the one timer; a negative time clears it. */
  | { readonly kind: "timer"; readonly ms: number }
  | { readonly kind: "greet" }
  | { readonly kind: "synchronize" }

export interface Transition {
  readonly state: SessionState
  readonly effects: readonly SessionEffect[]
}

/** Milliseconds from the start of a try until `welcome`. */
export const GREETING_LIMIT_MS = 15_000
export const FIRST_BACKOFF_MS = 500
export const LAST_BACKOFF_MS = 30_000
/** A connection that lived this long starts the backoff anew. */
export const STABLE_MS = 10_000

const noTimer: SessionEffect = { kind: "timer", ms: -1 }
const disconnect: SessionEffect = { kind: "disconnect" }

/** The next state and what to do. `now` in milliseconds since 1970; `chance` in [0, 1). */
export function step(state: SessionState, event: SessionEvent, now: number): Transition {
  switch (event.kind) {
    case "start":
      if (state.kind !== "idle" && state.kind !== "refused") return { state, effects: [] }
      return event.servers === 0 ? { state: { kind: "idle" }, effects: [] } : connect(fresh(0))
    case "stop":
      return { state: { kind: "idle" }, effects: state.kind === "idle" ? [] : [disconnect, noTimer] }
    case "opened":
      if (state.kind !== "connecting") return { state, effects: [] }
      return { state: { kind: "greeting", attempt: state.attempt }, effects: [{ kind: "greet" }] }
    case "welcomed": {
      if (state.kind !== "greeting") return { state, effects: [] }
      const { server, failures } = state.attempt
      return { state: { kind: "live", server, since: now, failures }, effects: [noTimer, { kind: "synchronize" }] }
    }
    case "closed":
      return closed(state, event.code, event.servers, event.chance, now)
    case "timer":
      if (state.kind === "waiting") return connect(state.attempt)
      if (state.kind === "connecting" || state.kind === "greeting") {
        const next = closed(state, undefined, event.servers, event.chance, now)
        return { state: next.state, effects: [disconnect, ...next.effects] }
      }
      return { state, effects: [] }
    case "hurry":
      if (state.kind === "waiting") return connect({ ...state.attempt, failures: 0 })
      return { state, effects: [] }
    default:
      return unreachable(event)
  }
}

function fresh(server: number): Attempt {
  return { server, failures: 0, refused: [] }
}

function connect(attempt: Attempt): Transition {
  return {
    state: { kind: "connecting", attempt },
    effects: [
      { kind: "connect", server: attempt.server },
      { kind: "timer", ms: GREETING_LIMIT_MS },
    ],
  }
}

function closed(
  state: SessionState,
  code: RefusalCode | undefined,
  servers: number,
  chance: number,
  now: number,
): Transition {
  switch (state.kind) {
    case "idle":
    case "waiting":
    case "refused":
      return { state, effects: [] }
    case "connecting":
    case "greeting":
      return failed(state.attempt, code, servers, chance, now)
    case "live": {
      // A server that lets us in and ends us at once is no success: its failures count on.
      const attempt = { ...fresh(state.server), failures: now - state.since >= STABLE_MS ? 0 : state.failures + 1 }
      // A token that ended is renewed by connecting again; the same holds for a server that restarts.
      return failed(attempt, code === "TOKEN_EXPIRED" ? undefined : code, servers, chance, now)
    }
    default:
      return unreachable(state)
  }
}

function failed(
  attempt: Attempt,
  code: RefusalCode | undefined,
  servers: number,
  chance: number,
  now: number,
): Transition {
  // A token that ended on its way: the next try asks for another. [SPEC S8]
  const permanent = code !== undefined && code !== "TOKEN_EXPIRED" && !isTransient(code)
  const refused = permanent ? [...attempt.refused, attempt.server] : attempt.refused
  const failures = attempt.failures + 1
  const server = nextServer(attempt.server, servers, refused)
  if (server === undefined) {
    return {
      state: { kind: "refused", server: attempt.server, code: code ?? "INTERNAL" },
      effects: [noTimer],
    }
  }
  // Full jitter: a server that comes back is not met by everybody at once.
  const rounds = Math.floor((failures - 1) / Math.max(1, servers))
  const wait = Math.round(chance * Math.min(LAST_BACKOFF_MS, FIRST_BACKOFF_MS * 2 ** Math.min(rounds, 10)))
  return {
    state: { kind: "waiting", until: now + wait, attempt: { server, failures, refused }, code: code ?? "UNREACHABLE" },
    effects: [{ kind: "timer", ms: wait }],
  }
}

/** The server to try next: the one behind this, around, without those that refused. */
function nextServer(server: number, servers: number, refused: readonly number[]): number | undefined {
  for (let offset = 1; offset <= servers; offset++) {
    const next = (server + offset) % servers
    if (!refused.includes(next)) return next
  }
  return undefined
}
