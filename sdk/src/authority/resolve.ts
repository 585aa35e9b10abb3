import { type Causality, everything, type Past } from "./causality.js"
import type { Seniority } from "./membership.js"
import { type Assumption, type Strike, Validity } from "./validity.js"

/** Rounds after which strikes that are still disputed fall: only people who plot can come this far. [SPEC A9] */
const MAX_ROUNDS = 32

export interface Resolution {
  readonly validity: Validity
  /** The removals and revocations that stand, by index. */
  readonly strikes: ReadonlyMap<number, Strike>
  /** Whether it hangs on the order of entries of which none had seen the other: who is senior, or joined first. */
  readonly isContested: boolean
}

/**
 * Decides which removals and revocations, strikes for short, stand when some would strike others. [SPEC A9]
 *
 * Those that are certain even if all that are possible strike become firm; what they strike is no longer possible; and
 * so on. Where nothing is certain (mutual removals, circles), the most senior author's becomes firm.
 *
 * `within`: the entries that there are; `striking`: the only ones that may be strikes. Both are closed.
 */
export function resolveStrikes(causality: Causality, within: Past = everything, striking: Past = within): Resolution {
  const firm = new Map<number, Strike>()
  const lost = new Set<number>()
  let isContested = false
  for (let round = 0; ; round++) {
    // The most that can be valid: nothing falls but by firm strikes.
    const hope = new Validity(causality, { within, standing: firm, firm, lost })
    const possible = validStrikes(causality, hope, striking)
    const fallen = Array.from(firm.keys()).filter((index) => !possible.has(index))
    if (fallen.length > 0) {
      // A firm strike is struck by none, but a grant on which it stood may be.
      for (const index of fallen) {
        firm.delete(index)
        lost.add(index)
      }
      continue
    }
    const disputed = Array.from(possible.values()).filter(({ index }) => !firm.has(index))
    isContested ||= hope.isContested
    if (disputed.length === 0) return { validity: hope, strikes: firm, isContested }
    if (round >= MAX_ROUNDS) {
      for (const { index } of disputed) lost.add(index)
      continue
    }
    // The least that can be valid: everything possible is taken to stand.
    const assumption: Assumption = { within, standing: possible, firm, lost }
    const fear = new Validity(causality, assumption)
    const certain = disputed.filter(({ index }) => fear.isValid(index))
    isContested ||= fear.isContested || certain.length === 0
    for (const strike of certain.length > 0 ? certain : mostSenior(disputed, hope)) firm.set(strike.index, strike)
  }
}

function validStrikes(causality: Causality, validity: Validity, striking: Past): Map<number, Strike> {
  const strikes = new Map<number, Strike>()
  causality.entries.forEach(({ action }, index) => {
    const author = validity.authors[index]
    if (author === undefined || !validity.isValid(index) || !striking.has(index)) return
    if (action?.kind === "remove") strikes.set(index, { kind: "removal", index, author, user: action.user })
    if (action?.kind === "revoke") strikes.set(index, { kind: "revocation", index, author, invite: action.invite })
  })
  return strikes
}

/** The disputed strikes of the most senior author; one's own leaving is not mixed with the rest, as it may strike that. */
function mostSenior(disputed: readonly Strike[], validity: Validity): readonly Strike[] {
  let best = disputed[0]
  let bestSeniority: Seniority | undefined
  for (const strike of disputed) {
    const seniority = validity.membership.seniority(strike.author)
    if (seniority === undefined || (bestSeniority !== undefined && !isSenior(seniority, bestSeniority))) continue
    best = strike
    bestSeniority = seniority
  }
  return disputed.filter((strike) => strike.author === best?.author && isLeaving(strike) === isLeaving(best))
}

function isLeaving(strike: Strike): boolean {
  return strike.kind === "removal" && strike.author === strike.user
}

function isSenior(a: Seniority, b: Seniority): boolean {
  return a.index !== b.index ? a.index < b.index : a.place < b.place
}
