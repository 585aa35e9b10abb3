import type { Message } from "../conversation/message.js"
import type { AccountState } from "./account-api.js"

/** Whether a message is shown to its user: not hidden, nor by somebody who is blocked. [SPEC U11] */
export function isShown({ id, author }: Pick<Message, "id" | "author">, { hidden, blocked }: AccountState): boolean {
  return !hidden.has(id) && !blocked.has(author)
}
