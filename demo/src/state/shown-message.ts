import type { MessageId } from "@weft/sdk"
import { goTo } from "./address.js"
import { jumpToMessage } from "./jumps.js"

/** Where a message stands. */
export interface Place {
  readonly conversation: string
  readonly message: MessageId
  readonly segment: number
}

/** Opens a message's conversation in place of the dialog that led to it, and brings the message into view. */
export function showMessageIn({ conversation, message }: Place): void {
  goTo({ conversation }, { replace: true })
  jumpToMessage(message)
}
