import type { ConversationView } from "@weft/sdk/react"
import type { ReactNode } from "react"
import { Dialog } from "../parts/dialog.js"
import { Icon } from "../parts/icon.js"
import { Link } from "../parts/link.js"
import { ProblemLine } from "../parts/problem-line.js"
import { Switch } from "../parts/switch.js"
import { useAction } from "../state/action.js"
import { mayGovern, mayRename } from "../words/roles.js"
import { showNumber, t } from "../words/translate.js"
import { AddMembers } from "./add-members.js"
import { ChangeList } from "./change-list.js"
import { LeaveButton } from "./leave-button.js"
import { MemberRow } from "./member-row.js"
import { TextSetting } from "./text-setting.js"

interface DetailsDialogProps {
  view: ConversationView
  onClose: () => void
}

/** What a conversation is, who is here, as what, and how they get here. */
export function DetailsDialog({ view, onClose }: DetailsDialogProps): ReactNode {
  const action = useAction()
  const { conversation, title, topic, members, role, direct, pinned, announcementsOnly } = view
  const isGroup = direct === undefined
  return (
    <Dialog title={t("details")} onClose={onClose}>
      <ChangeList conversation={conversation} />
      {mayRename(role) ? (
        <>
          <TextSetting
            label={t("title")}
            value={title}
            most={120}
            submit={t("rename")}
            action={action}
            save={(next) => conversation.setTitle(next)}
          />
          <TextSetting
            label={t("topic")}
            value={topic}
            most={200}
            mayBeEmpty
            submit={t("setTopic")}
            action={action}
            save={(next) => conversation.setTopic(next)}
          />
        </>
      ) : (
        topic !== "" && <p dir="auto">{topic}</p>
      )}
      {isGroup && mayGovern(role, "member") && <AddMembers view={view} action={action} />}
      <ProblemLine problem={action.problem} />
      <ul className="doors">
        {isGroup && mayGovern(role, "member") && (
          <li>
            <Link className="door" to={{ conversation: conversation.id, panel: "invites" }}>
              <Icon name="link" size={18} />
              <span>{t("inviteLinks")}</span>
              <Icon name="chevron" size={16} />
            </Link>
          </li>
        )}
        <li>
          <Link className="door" to={{ conversation: conversation.id, panel: "pinned" }}>
            <Icon name="pin" size={18} />
            <span>{t("pinnedMessages")}</span>
            <span className="quiet">{showNumber(pinned.length)}</span>
            <Icon name="chevron" size={16} />
          </Link>
        </li>
      </ul>
      {isGroup && mayRename(role) && (
        <Switch
          label={t("announcementsOnly")}
          isOn={announcementsOnly}
          isDisabled={action.isBusy}
          onChange={(on) => {
            action.run(() => conversation.setAnnouncementsOnly(on))
          }}
        />
      )}
      <section className="facts">
        <h3>{t("memberCount", { count: members.length })}</h3>
        <ul className="members">
          {members.map((member) => (
            <MemberRow key={member.user} member={member} view={view} action={action} />
          ))}
        </ul>
      </section>
      {role !== undefined && <LeaveButton view={view} />}
    </Dialog>
  )
}
