import type { Conversation } from "@weft/sdk"
import { useClient, useConversationSettings } from "@weft/sdk/react"
import type { ReactNode } from "react"
import { Menu, type MenuItem } from "../parts/menu.js"
import { goTo } from "../state/address.js"
import { useNow } from "../state/clock.js"
import { offerUndo } from "../state/undo.js"
import { t } from "../words/translate.js"

const EIGHT_HOURS = 8 * 3_600_000

/** What a user sets for themselves: muted, pinned and archived, on all own devices. */
export function ConversationMenu({ conversation }: { conversation: Conversation }): ReactNode {
  const { account } = useClient()
  const { mutedUntil, pinned, archived } = useConversationSettings(conversation)
  const now = useNow(60_000)
  const isMuted = mutedUntil !== undefined && mutedUntil > now
  const mute = (until?: number) => () => {
    conversation.mute(until)
  }
  const items: readonly MenuItem[] = [
    {
      name: t("goToDate"),
      icon: "calendar",
      run: () => {
        goTo({ conversation: conversation.id, panel: "date" })
      },
    },
    {
      name: pinned ? t("unpinFromTop") : t("pinToTop"),
      icon: "pin",
      run: () => {
        conversation.setPinned(!pinned)
      },
    },
    ...(isMuted
      ? [
          {
            name: t("unmute"),
            icon: "bell" as const,
            run: () => {
              conversation.unmute()
            },
          },
        ]
      : [
          { name: t("muteForHours", { count: 8 }), icon: "muted" as const, run: mute(now + EIGHT_HOURS) },
          { name: t("mute"), icon: "muted" as const, run: mute() },
        ]),
    {
      name: archived ? t("unarchive") : t("archive"),
      icon: "archive",
      run: () => {
        const act = conversation.setArchived(!archived)
        offerUndo(archived ? t("wasUnarchived") : t("wasArchived"), account, act)
      },
    },
  ]
  return <Menu label={t("conversationSettings")} items={() => items} />
}
