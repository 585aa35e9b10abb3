import type { UserId } from "../protocol/names.js"
import { type Causality, everything, type Past } from "./causality.js"
import { type Resolution, resolveStrikes } from "./resolve.js"
import { Validity } from "./validity.js"

/** Answers that are kept; they differ where a removal or a revocation lies between two pasts. */
const MAX_KEPT = 64
/** Where more than these clash, each past is looked at by itself. */
const MAX_CLASHES = 64

/** Two entries of which, where both are there, one may make the other fall; or one that falls by what it had seen. */
type Clash = readonly [number, number]

/**
 * What pasts say by themselves, as if nothing else had been written: so each says the same everywhere, for good, and on
 * the device that wrote from it. [SPEC A11]
 */
export class Hindsight {
  readonly #causality: Causality
  readonly #strikes: readonly number[]
  readonly #kept = new Map<string, Resolution>()
  /** Each entry by its own past; undefined until somebody asks. */
  #calm: { readonly validity: Validity; readonly clashes: readonly Clash[] } | undefined

  /** `whole`: what all entries say. */
  constructor(causality: Causality, whole: Resolution) {
    this.#causality = causality
    this.#strikes = Array.from(causality.entries.keys()).filter((index) => {
      const kind = causality.entries[index]?.action?.kind
      return kind === "remove" || kind === "revoke"
    })
    this.#kept.set(this.#strikes.join(), whole)
  }

  /** Which entries of this past are valid by it alone; what it says of others means nothing. */
  of(past: Past): Validity {
    const { validity, clashes } = (this.#calm ??= this.#judgeCalmly())
    const clash = clashes.length > MAX_CLASHES || clashes.some(([one, other]) => past.has(one) && past.has(other))
    if (!clash && !validity.isContested) return validity
    // Entries that strike nothing change nothing in what they follow or never saw: pasts with the same strikes share.
    const name = this.#strikes.filter((index) => past.has(index)).join()
    const shared = this.#kept.get(name) ?? this.#resolve(name, past)
    return shared.isContested ? resolveStrikes(this.#causality, past).validity : shared.validity
  }

  #resolve(name: string, past: Past): Resolution {
    const resolution = resolveStrikes(this.#causality, everything, past)
    if (this.#kept.size >= MAX_KEPT) this.#kept.clear()
    this.#kept.set(name, resolution)
    return resolution
  }

  /** Most conversations have removals, but none that anything clashes with: there all pasts share one answer. */
  #judgeCalmly(): { readonly validity: Validity; readonly clashes: readonly Clash[] } {
    const none = { within: everything, standing: new Map(), firm: new Map(), lost: new Set<number>() }
    const validity = new Validity(this.#causality, { ...none, countsAll: true })
    const clashes: Clash[] = []
    const acts = this.#actsOf(validity)
    for (const strike of this.#strikes) {
      const action = this.#causality.entries[strike]?.action
      if (!validity.isValid(strike)) clashes.push([strike, strike])
      const subject = action?.kind === "remove" ? action.user : action?.kind === "revoke" ? action.invite : undefined
      for (const act of (subject && acts.get(subject)) ?? []) {
        if (clashes.length > MAX_CLASHES) return { validity, clashes }
        if (this.#mayStrike(validity, strike, act)) clashes.push([strike, act])
      }
    }
    return { validity, clashes }
  }

  /** What falls with a user or an invite. */
  #actsOf(validity: Validity): ReadonlyMap<string, readonly number[]> {
    const acts = new Map<string, number[]>()
    this.#causality.entries.forEach(({ action, seen }, index) => {
      const subjects: (string | undefined)[] = [validity.authors[index]]
      const [invite] = seen
      if (action?.kind === "join" && invite !== undefined) subjects.push(invite, validity.invites.get(invite)?.author)
      for (const subject of subjects) {
        if (subject === undefined) continue
        const list = acts.get(subject)
        if (list === undefined) acts.set(subject, [index])
        else list.push(index)
      }
    })
    return acts
  }

  #mayStrike(validity: Validity, strike: number, act: number): boolean {
    if (strike === act || this.#causality.pastOf(strike).has(act)) return false
    const removed = this.#userRemovedBy(strike)
    if (removed === undefined) return true
    const past = this.#causality.pastOf(act)
    if (validity.membership.isReadded(removed, strike, past)) return false
    const isOwn = validity.authors[strike] === removed && validity.authors[act] === removed
    const returns = this.#causality.entries[act]?.action?.kind === "return" && past.has(strike)
    return !(isOwn && (returns || this.#userRemovedBy(act) === removed))
  }

  #userRemovedBy(index: number): UserId | undefined {
    const action = this.#causality.entries[index]?.action
    return action?.kind === "remove" ? action.user : undefined
  }
}
