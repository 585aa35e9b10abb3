import type { ControlState, UserId } from "@weft/sdk/protocol"
import type { Standing } from "../store/store.js"

/** Everybody who was ever let in, and who is still in. */
export function standingsOf(state: ControlState): [UserId, Standing][] {
  return Array.from(new Set([...state.everMembers, ...state.fallen]), (user) => [
    user,
    state.members.has(user) ? "member" : "former",
  ])
}

/** Users whose standing is another one since, and is this one now. */
export function changedStandings(before: ControlState, after: ControlState, standing: Standing): [UserId, Standing][] {
  return standingsOf(after).filter(
    ([user, now]) => now === standing && (before.members.has(user) !== (now === "member") || !before.wasLetIn(user)),
  )
}
