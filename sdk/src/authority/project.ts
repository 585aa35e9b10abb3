import { type ConversationId, conversationIdOf } from "../protocol/names.js"
import { Causality, type ControlEntry } from "./causality.js"
import { ControlState } from "./state.js"

export { admitEntry, cutOf, mayErase, movesCuts } from "./admit.js"
export type { ControlEntry } from "./causality.js"
export type { ControlState, Invite } from "./state.js"

/** Who may do what: a pure function of the set of control entries, whatever their order. [SPEC A1] */
export function projectControl(conversation: ConversationId, entries: readonly ControlEntry[]): ControlState {
  const isRoot = ({ device, body, seen, action }: ControlEntry) =>
    action?.kind === "create" && seen.length === 0 && conversationIdOf(device, body) === conversation
  return new ControlState(conversation, new Causality(entries, isRoot))
}
