import { useAccount, useClient } from "@weft/sdk/react"
import type { ReactNode } from "react"
import { Avatar } from "../parts/avatar.js"
import { Dialog } from "../parts/dialog.js"
import { Icon } from "../parts/icon.js"
import { Link } from "../parts/link.js"
import { Switch } from "../parts/switch.js"
import { leaveUser } from "../state/address.js"
import { showName } from "../words/names.js"
import { t } from "../words/translate.js"
import { BlockList } from "./block-list.js"
import { LanguageChoice } from "./language-choice.js"
import { ThemeChoice } from "./theme-choice.js"

/** Who this is, what others may know, and how the page looks and speaks. */
export function AccountDialog({ onClose }: { onClose: () => void }): ReactNode {
  const { user, device } = useClient()
  const { account, privacy } = useAccount()
  return (
    <Dialog title={t("account")} onClose={onClose}>
      <div className="whoami">
        <Avatar name={user} size="large" />
        <div>
          <bdi className="strong">{showName(user)}</bdi>
          <p className="quiet">
            {t("device")} <code>{device}</code>
          </p>
        </div>
      </div>
      <ThemeChoice />
      <LanguageChoice />
      <section className="facts">
        <h3>{t("privacy")}</h3>
        <Switch
          label={t("showReceipts")}
          isOn={privacy.receipts}
          onChange={(receipts) => {
            account.setPrivacy({ receipts })
          }}
        />
        <Switch
          label={t("showLastSeen")}
          isOn={privacy.lastSeen}
          onChange={(lastSeen) => {
            account.setPrivacy({ lastSeen })
          }}
        />
        <p className="fine">{t("privacyAdvice")}</p>
      </section>
      <BlockList />
      <div className="row-actions">
        <Link className="quiet-button" to={{ panel: "keys" }}>
          <Icon name="keyboard" size={18} />
          <span>{t("keyboardShortcuts")}</span>
        </Link>
        <button type="button" className="quiet-button" onClick={leaveUser}>
          <Icon name="leave" size={18} />
          <span>{t("switchUser")}</span>
        </button>
      </div>
    </Dialog>
  )
}
