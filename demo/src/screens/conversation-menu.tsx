import type { Conversation } from "@weft/sdk"
import { useClient, useConversationSettings } from "@weft/sdk/react"
import type { ReactNode } from "react"
import { Menu, type MenuItem } from "../parts/menu.js"
import { useNow } from "../state/clock.js"
import { showToast } from "../state/toast.js"

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
      name: pinned ? "Unpin from the top" : "Pin to the top",
      icon: "pin",
      run: () => {
        conversation.setPinned(!pinned)
      },
    },
    ...(isMuted
      ? [
          {
            name: "Unmute",
            icon: "bell" as const,
            run: () => {
              conversation.unmute()
            },
          },
        ]
      : [
          { name: "Mute for 8 hours", icon: "muted" as const, run: mute(now + EIGHT_HOURS) },
          { name: "Mute", icon: "muted" as const, run: mute() },
        ]),
    {
      name: archived ? "Back to the list" : "Archive",
      icon: "archive",
      run: () => {
        conversation.setArchived(!archived)
        const text = archived ? "Back in the list" : "Archived"
        showToast({ text, action: { name: "Undo", run: () => account.undo() } })
      },
    },
  ]
  return <Menu label="Settings of the conversation" items={items} />
}
