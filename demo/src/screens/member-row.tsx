import type { Member } from "@weft/sdk"
import { type ConversationView, useAccount, useClient } from "@weft/sdk/react"
import { type ReactNode, useState } from "react"
import { Avatar } from "../parts/avatar.js"
import { Menu, type MenuItem } from "../parts/menu.js"
import type { Action } from "../state/action.js"
import { goTo } from "../state/address.js"
import { showName } from "../words/names.js"
import { explainRole, mayGovern, roles } from "../words/roles.js"
import { t } from "../words/translate.js"
import { PresenceLine } from "./presence-line.js"

interface MemberRowProps {
  member: Member
  view: ConversationView
  action: Action
}

/** One of those who are here: since when, as what, and what can be done about them. */
export function MemberRow({ member, view, action }: MemberRowProps): ReactNode {
  const { user: me } = useClient()
  const { blocked } = useAccount()
  const [isAsking, setAsking] = useState(false)
  const name = showName(member.user)
  const isMe = member.user === me
  return (
    <li className="member">
      <Avatar name={member.user} />
      <span className="member-name">
        <bdi className="strong">{name}</bdi>
        {isMe ? (
          <span className="quiet">{t("you")}</span>
        ) : blocked.has(member.user) ? (
          <span className="quiet">{t("blocked")}</span>
        ) : (
          <PresenceLine conversation={view.conversation} user={member.user} />
        )}
      </span>
      <RoleField member={member} view={view} action={action} />
      <MemberMenu
        member={member}
        view={view}
        action={action}
        askToRemove={() => {
          setAsking(true)
        }}
      />
      {isAsking && (
        <div className="member-actions">
          <button
            type="button"
            className="danger-button"
            disabled={action.isBusy}
            autoFocus
            onClick={() => {
              action.run(() => view.conversation.removeMember(member.user))
              setAsking(false)
            }}
          >
            {t("removeName", { name })}
          </button>
          <button
            type="button"
            className="quiet-button"
            onClick={() => {
              setAsking(false)
            }}
          >
            {t("keep")}
          </button>
        </div>
      )}
    </li>
  )
}

function mayChange({ role, direct }: ConversationView, member: Member, me: string): boolean {
  return direct === undefined && member.user !== me && mayGovern(role, member.role)
}

function RoleField({ member, view, action }: MemberRowProps): ReactNode {
  const { user: me } = useClient()
  if (!mayChange(view, member, me)) return <span className="role">{explainRole(member.role)}</span>
  return (
    <select
      aria-label={t("roleOf", { name: showName(member.user) })}
      value={member.role}
      disabled={action.isBusy}
      onChange={(event) => {
        const role = roles.find((known) => known === event.target.value)
        if (role !== undefined) action.run(() => view.conversation.setRole(member.user, role))
      }}
    >
      {roles
        .filter((role) => mayGovern(view.role, role))
        .map((role) => (
          <option key={role} value={role}>
            {explainRole(role)}
          </option>
        ))}
    </select>
  )
}

function MemberMenu({ member, view, action, askToRemove }: MemberRowProps & { askToRemove: () => void }): ReactNode {
  const client = useClient()
  const { account, blocked } = useAccount()
  const { user } = member
  if (user === client.user) return <span className="no-menu" />
  const isBlocked = blocked.has(user)
  const items: readonly MenuItem[] = [
    ...(view.direct === undefined
      ? [
          {
            name: t("writeDirectly"),
            icon: "thread" as const,
            run: () => {
              action.run(async () => {
                const { id } = await client.openDirect(user)
                goTo({ conversation: id }, { replace: true })
              })
            },
          },
        ]
      : []),
    {
      name: isBlocked ? t("unblock") : t("block"),
      icon: "hide",
      run: () => {
        if (isBlocked) account.unblock(user)
        else account.block(user)
      },
    },
    ...(mayChange(view, member, client.user)
      ? [{ name: t("removeFromConversation"), icon: "trash" as const, isDanger: true, run: askToRemove }]
      : []),
  ]
  return <Menu label={t("actionsFor", { name: showName(user) })} items={() => items} />
}
