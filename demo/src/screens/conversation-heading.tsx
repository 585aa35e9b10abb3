import { type ConversationView, useClient, usePresence } from "@weft/sdk/react"
import type { ReactNode } from "react"
import { Avatar } from "../parts/avatar.js"
import { Icon } from "../parts/icon.js"
import { Link } from "../parts/link.js"
import { useNow } from "../state/clock.js"
import { t } from "../words/translate.js"
import { listNames, showName } from "../words/names.js"
import { showPresence } from "../words/presence.js"
import { titleOf } from "../words/titles.js"

/** What is shown, who is in it or is here; leads to the details. */
export function ConversationHeading({ view }: { view: ConversationView }): ReactNode {
  const { user } = useClient()
  const { conversation, topic, direct } = view
  const presence = usePresence(conversation)
  const now = useNow(60_000)
  const title = titleOf(view, user)
  const other = direct === undefined ? undefined : presence.get(direct)
  const here = Array.from(presence.values()).filter(({ kind }) => kind === "online").length
  const line =
    other !== undefined
      ? showPresence(other, now)
      : direct === undefined && topic !== ""
        ? showName(topic)
        : describePeople(view, user)
  return (
    <Link className="heading-link" to={{ conversation: conversation.id, panel: "details" }}>
      <Avatar name={title} shape={direct === undefined ? "group" : "person"} isHere={other?.kind === "online"} />
      <span className="heading">
        <h2 dir="auto">{title}</h2>
        <span className="subtitle" dir="auto">
          {line}
          {direct === undefined && here > 0 && ` · ${t("onlineCount", { count: here })}`}
        </span>
      </span>
      <span className="details-hint">
        <Icon name="people" />
        <span className="unseen">{t("detailsAndMembers")}</span>
      </span>
    </Link>
  )
}

function describePeople({ members, role }: ConversationView, user: string): string {
  const others = members.map((member) => member.user).filter((member) => member !== user)
  if (role === undefined) return listNames(others)
  return others.length === 0 ? t("onlyYou") : t("youAnd", { names: listNames(others) })
}
