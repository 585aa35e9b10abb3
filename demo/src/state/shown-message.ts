import { goTo } from "./address.js"
import { type Jump, jumpToMessage } from "./jumps.js"

/** Opens a message's conversation in place of the dialog that led to it, and brings the message into view. */
export function showMessageIn(place: Jump): void {
  goTo({ conversation: place.conversation }, { replace: true })
  jumpToMessage(place)
}
