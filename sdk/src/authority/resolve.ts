import type { Causality } from "./causality.js"
import type { Seniority } from "./membership.js"
import { type Assumption, type Removal, Validity } from "./validity.js"

/** Rounds after which removals that are still disputed fall: only people who plot can come this far. [SPEC A9] */
const MAX_ROUNDS = 32

export interface Resolution {
  readonly validity: Validity
  /** The removals that stand, by index. */
  readonly removals: ReadonlyMap<number, Removal>
}

/**
 * Decides which removals stand when some would strike others. [SPEC A9]
 *
 * Removals that are certain even if all that are possible strike become firm; what they strike is no longer possible; and
 * so on. Where nothing is certain (mutual removals, circles), the most senior author's becomes firm.
 */
export function resolveRemovals(causality: Causality): Resolution {
  const firm = new Map<number, Removal>()
  const lost = new Set<number>()
  for (let round = 0; ; round++) {
    // The most that can be valid: nothing is removed but by firm removals.
    const hope = new Validity(causality, { standing: firm, firm, lost })
    const possible = validRemovals(causality, hope)
    const fallen = Array.from(firm.keys()).filter((index) => !possible.has(index))
    if (fallen.length > 0) {
      // A firm removal is struck by none, but a grant on which it stood may be.
      for (const index of fallen) {
        firm.delete(index)
        lost.add(index)
      }
      continue
    }
    const disputed = Array.from(possible.values()).filter(({ index }) => !firm.has(index))
    if (disputed.length === 0) return { validity: hope, removals: firm }
    if (round >= MAX_ROUNDS) {
      for (const { index } of disputed) lost.add(index)
      continue
    }
    // The least that can be valid: everything possible is taken to stand.
    const assumption: Assumption = { standing: possible, firm, lost }
    const fear = new Validity(causality, assumption)
    const certain = disputed.filter(({ index }) => fear.isValid(index))
    for (const removal of certain.length > 0 ? certain : mostSenior(disputed, hope)) firm.set(removal.index, removal)
  }
}

function validRemovals(causality: Causality, validity: Validity): Map<number, Removal> {
  const removals = new Map<number, Removal>()
  causality.entries.forEach(({ action }, index) => {
    const author = validity.authors[index]
    if (action?.kind !== "remove" || author === undefined || !validity.isValid(index)) return
    removals.set(index, { index, user: action.user, author })
  })
  return removals
}

/** The disputed removals of the most senior author; those of others and of oneself are not mixed, as one may strike the other. */
function mostSenior(disputed: readonly Removal[], validity: Validity): readonly Removal[] {
  let best = disputed[0]
  let bestSeniority: Seniority | undefined
  for (const removal of disputed) {
    const seniority = validity.membership.seniority(removal.author)
    if (seniority === undefined || (bestSeniority !== undefined && !isSenior(seniority, bestSeniority))) continue
    best = removal
    bestSeniority = seniority
  }
  return disputed.filter((removal) => removal.author === best?.author && isLeaving(removal) === isLeaving(best))
}

function isLeaving(removal: Removal): boolean {
  return removal.author === removal.user
}

function isSenior(a: Seniority, b: Seniority): boolean {
  return a.index !== b.index ? a.index < b.index : a.place < b.place
}
