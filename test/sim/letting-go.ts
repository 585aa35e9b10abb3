/** The generation since which devices of some seeds let older messages go. */
const SINCE = 8

/** What devices keep, and how many messages their segments have, in a seed in which some let older messages go. */
export const FEW = { segmentMessages: 4, keep: 6 } as const

/**
 * Whether a seed has such devices. What they let go of they can't give back to a server that loses it, so no server does
 * there, and none says that it has what it has not.
 */
export function letsGo(seed: number, generation: number): boolean {
  return generation >= SINCE && seed % 2 === 0
}
