import type { Stage } from "./stage.js"

/** What happens next. Numbers are read as far as there is something to choose, so an operation makes sense without the others. */
export interface Choices {
  /** Milliseconds since the one before. */
  readonly gap: number
  readonly a: number
  readonly b: number
  readonly c: number
}

export interface Kind {
  /** How often, beside the others. */
  readonly weight: number
  /** Faults are left out of some seeds, so that others show what they hide. */
  readonly optional?: true
  /** A server loses what it said to have: not in seeds whose devices rely on that. */
  readonly losesData?: true
  /** The generation of kinds that it came with; the first by default. */
  readonly since?: number
  act(stage: Stage, choices: Choices): void
}
