import * as fc from "fast-check"
import { describe, expect, it } from "vitest"
import {
  FIRST_BACKOFF_MS,
  GREETING_LIMIT_MS,
  LAST_BACKOFF_MS,
  STABLE_MS,
  step,
  type SessionEffect,
  type SessionEvent,
  type SessionState,
} from "./session-state.js"

const now = 1_000_000
const attempt = { server: 0, failures: 0, refused: [] } as const
const states: { readonly [K in SessionState["kind"]]: Extract<SessionState, { kind: K }> } = {
  idle: { kind: "idle" },
  connecting: { kind: "connecting", attempt },
  greeting: { kind: "greeting", attempt },
  live: { kind: "live", server: 0, since: now - STABLE_MS, failures: 3 },
  waiting: { kind: "waiting", until: now + 5, attempt: { ...attempt, failures: 3 }, code: "UNREACHABLE" },
  refused: { kind: "refused", server: 0, code: "AUTH_FAILED" },
}
const events: { readonly [K in SessionEvent["kind"]]: Extract<SessionEvent, { kind: K }> } = {
  start: { kind: "start", servers: 1 },
  stop: { kind: "stop" },
  opened: { kind: "opened" },
  welcomed: { kind: "welcomed" },
  closed: { kind: "closed", code: undefined, servers: 1, chance: 0.5 },
  timer: { kind: "timer", servers: 1, chance: 0.5 },
  hurry: { kind: "hurry", servers: 1 },
}

/** The kind of the next state and the kinds of the effects, in their order; "-" where nothing happens. */
const table: Readonly<Record<SessionState["kind"], Record<SessionEvent["kind"], string>>> = {
  idle: {
    start: "connecting connect timer",
    stop: "idle",
    opened: "-",
    welcomed: "-",
    closed: "-",
    timer: "-",
    hurry: "-",
  },
  connecting: {
    start: "-",
    stop: "idle disconnect timer",
    opened: "greeting greet",
    welcomed: "-",
    closed: "waiting timer",
    timer: "waiting disconnect timer",
    hurry: "-",
  },
  greeting: {
    start: "-",
    stop: "idle disconnect timer",
    opened: "-",
    welcomed: "live timer synchronize",
    closed: "waiting timer",
    timer: "waiting disconnect timer",
    hurry: "-",
  },
  live: {
    start: "-",
    stop: "idle disconnect timer",
    opened: "-",
    welcomed: "-",
    closed: "waiting timer",
    timer: "-",
    hurry: "-",
  },
  waiting: {
    start: "-",
    stop: "idle disconnect timer",
    opened: "-",
    welcomed: "-",
    closed: "-",
    timer: "connecting connect timer",
    hurry: "connecting connect timer",
  },
  refused: {
    start: "connecting connect timer",
    stop: "idle disconnect timer",
    opened: "-",
    welcomed: "-",
    closed: "-",
    timer: "-",
    hurry: "-",
  },
}

describe("the session's states", () => {
  for (const from of Object.keys(table) as SessionState["kind"][]) {
    it.each(Object.keys(events) as SessionEvent["kind"][])(`[S1, S9] ${from}, %s`, (kind) => {
      const { state, effects } = step(states[from], events[kind], now)
      if (state === states[from]) expect([table[from][kind], effects]).toEqual(["-", []])
      else expect([state, ...effects].map((item) => item.kind).join(" ")).toBe(table[from][kind])
    })
  }

  it("[S1] a try that is not welcomed in time has failed", () => {
    const { effects } = step(states.idle, events.start, now)
    expect(effects).toContainEqual({ kind: "timer", ms: GREETING_LIMIT_MS })
  })
})

function waitOf(state: SessionState, chance: number, servers = 1): { state: SessionState; ms: number } {
  const next = step(state, { kind: "closed", code: undefined, servers, chance }, now)
  const timer = next.effects.find((effect): effect is Extract<SessionEffect, { kind: "timer" }> => {
    return effect.kind === "timer"
  })
  return { state: next.state, ms: timer?.ms ?? NaN }
}

describe("trying again", () => {
  it("waits anywhere between nothing and twice as long each time, up to half a minute", () => {
    fc.assert(
      fc.property(
        fc.nat({ max: 60 }),
        fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
        (failures, chance) => {
          const most = Math.min(LAST_BACKOFF_MS, FIRST_BACKOFF_MS * 2 ** failures)
          const { ms } = waitOf({ kind: "connecting", attempt: { ...attempt, failures } }, chance)
          expect(ms).toBe(Math.round(chance * most))
        },
      ),
    )
  })

  it("begins anew after a connection that lived, and goes on after one that did not", () => {
    expect(waitOf(states.live, 0.999).ms).toBeLessThanOrEqual(FIRST_BACKOFF_MS)
    let state: SessionState = states.idle
    let last = 0
    for (let round = 0; round < 20; round++) {
      state = [events.start, events.opened, events.welcomed].reduce(
        (before, event) => step(before, event, now).state,
        state,
      )
      expect(state.kind).toBe("live")
      const { state: waiting, ms } = waitOf(state, 0.999)
      expect(ms).toBeGreaterThanOrEqual(last)
      last = ms
      state = step(waiting, { kind: "timer", servers: 1, chance: 0 }, now).state
    }
    expect(last).toBe(Math.round(0.999 * LAST_BACKOFF_MS))
  })

  it("goes around the servers, and leaves out those that refused for good", () => {
    const visit = (state: SessionState, code?: "AUTH_FAILED"): SessionState => {
      const { state: waiting } = step(state, { kind: "closed", code, servers: 3, chance: 0 }, now)
      return step(waiting, { kind: "timer", servers: 3, chance: 0 }, now).state
    }
    const first = visit(states.connecting)
    expect(first).toMatchObject({ kind: "connecting", attempt: { server: 1 } })
    const second = visit(first, "AUTH_FAILED")
    expect(second).toMatchObject({ kind: "connecting", attempt: { server: 2, refused: [1] } })
    const third = visit(visit(second))
    expect(third).toMatchObject({ kind: "connecting", attempt: { server: 2 } })
    expect(visit(visit(third, "AUTH_FAILED"), "AUTH_FAILED")).toMatchObject({ kind: "refused", code: "AUTH_FAILED" })
  })

  it("[S8] a token that ended is no refusal of a live connection: the next one asks for another", () => {
    const { state } = step(states.live, { kind: "closed", code: "TOKEN_EXPIRED", servers: 1, chance: 0 }, now)
    expect(state).toMatchObject({ kind: "waiting", code: "UNREACHABLE" })
  })

  it("[S8] a token that ended on its way is no refusal for good: the next try asks for another", () => {
    const { state } = step(states.greeting, { kind: "closed", code: "TOKEN_EXPIRED", servers: 1, chance: 0 }, now)
    expect(state).toMatchObject({ kind: "waiting", code: "TOKEN_EXPIRED", attempt: { refused: [] } })
  })

  it("[S8] a server that is given ended tokens, again and again, is asked ever more rarely", () => {
    let [state, last]: [SessionState, number] = [states.idle, 0]
    state = step(state, events.start, now).state
    for (let round = 0; round < 10; round++) {
      state = step(state, events.opened, now).state
      const closed = step(state, { kind: "closed", code: "TOKEN_EXPIRED", servers: 1, chance: 0.999 }, now)
      const wait = closed.state.kind === "waiting" ? closed.state.until - now : NaN
      expect(wait).toBeGreaterThanOrEqual(last)
      last = wait
      state = step(closed.state, { kind: "timer", servers: 1, chance: 0 }, now).state
    }
    expect(last).toBe(Math.round(0.999 * LAST_BACKOFF_MS))
  })
})
