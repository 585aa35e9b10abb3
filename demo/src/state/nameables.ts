import { type ConversationView, useClient } from "@weft/sdk/react"
import { useMemo } from "react"
import type { Nameable } from "../words/mentions.js"
import { en } from "../words/en.js"
import { t } from "../words/translate.js"
import { useLanguage } from "./language.js"

/** Whom a message of this conversation can name: its other members, and in a group everyone. */
export function useNameables({ members }: ConversationView): readonly Nameable[] {
  const { user } = useClient()
  const language = useLanguage()
  return useMemo(() => {
    const others = members.filter((member) => member.user !== user).map((member) => ({ ...member, name: member.user }))
    // in English too: that is what it is called where the page spoke that
    const everyone = { user: null, name: t("everyone"), also: [en.everyone] }
    return others.length > 1 ? [...others, everyone] : others
    // eslint-disable-next-line react-hooks/exhaustive-deps -- t() speaks it
  }, [members, user, language])
}
