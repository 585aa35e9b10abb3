import type { ConversationInfo } from "@weft/sdk"
import { t } from "./translate.js"
import { listNames, showName } from "./names.js"

/** What a conversation is called for one of its people: one that nobody named, by the others in it. */
export function titleOf({ title, direct, members }: ConversationInfo, user: string): string {
  if (title !== "") return showName(title)
  if (direct !== undefined) return showName(direct)
  const others = members.map((member) => member.user).filter((member) => member !== user)
  return others.length > 0 ? listNames(others) : t("conversation")
}
