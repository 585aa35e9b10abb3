import type { Invite } from "@weft/sdk"
import type { ConversationView } from "@weft/sdk/react"
import type { ReactNode } from "react"
import { CopyButton } from "../parts/copy-button.js"
import { Icon } from "../parts/icon.js"
import { ProblemLine } from "../parts/problem-line.js"
import { QrCode } from "../parts/qr-code.js"
import { useAction } from "../state/action.js"
import { useNow } from "../state/clock.js"
import { showName } from "../words/names.js"
import { explainRole } from "../words/roles.js"
import { showFull } from "../words/times.js"
import { t } from "../words/translate.js"

interface InviteRowProps {
  invite: Invite
  view: ConversationView
  /** Whether its link and code are in view. */
  isShown: boolean
  onShow: (on: boolean) => void
}

/** A link: for whom, how long, how often; and its code, where this device made it. */
export function InviteRow({ invite, view, isShown, onShow }: InviteRowProps): ReactNode {
  const action = useAction()
  const now = useNow(60_000)
  const { id, role, by, expiresAt, uses, used, link } = invite
  const isOver = (expiresAt !== undefined && expiresAt <= now) || (uses !== undefined && used >= uses)
  return (
    <li className="invite">
      <p>
        <span className="strong">{explainRole(role)}</span>
        {isOver && <span className="role"> · {t("usedUpOrOver")}</span>}
      </p>
      <p className="fine">
        {uses === undefined ? t("usedCount", { count: used }) : t("usedOf", { used, uses })}
        {" · "}
        {expiresAt === undefined ? t("neverExpires") : t("expiresAt", { when: showFull(expiresAt) })}
        {" · "}
        {t("madeBy", { name: showName(by) })}
      </p>
      {link === undefined && <p className="fine">{t("linkElsewhere")}</p>}
      {isShown && link !== undefined && (
        <div className="invite-link">
          <QrCode text={link} label={t("qrCode")} />
          <code dir="ltr">{link}</code>
        </div>
      )}
      <ProblemLine problem={action.problem} />
      <div className="row-actions">
        {link !== undefined && (
          <>
            <CopyButton icon="copy" text={link} label={t("copyLink")}>
              {t("copyLink")}
            </CopyButton>
            <button
              type="button"
              className="quiet-button"
              aria-expanded={isShown}
              onClick={() => {
                onShow(!isShown)
              }}
            >
              <Icon name="qr" size={16} />
              <span>{isShown ? t("hideCode") : t("showCode")}</span>
            </button>
          </>
        )}
        <button
          type="button"
          className="quiet-button"
          disabled={action.isBusy}
          onClick={() => {
            action.run(() => view.conversation.revokeInvite(id))
          }}
        >
          <Icon name="trash" size={16} />
          <span>{t("revoke")}</span>
        </button>
      </div>
    </li>
  )
}
