import { type ConversationView, useInvites } from "@weft/sdk/react"
import { type ReactNode, useState } from "react"
import { Dialog } from "../parts/dialog.js"
import { t } from "../words/translate.js"
import { InviteForm } from "./invite-form.js"
import { InviteRow } from "./invite-row.js"

/** Links that let people in: making one, showing it as a QR code, and taking it back. */
export function InviteDialog({ view, onClose }: { view: ConversationView; onClose: () => void }): ReactNode {
  const invites = useInvites(view.conversation)
  const [shown, setShown] = useState<string>()
  return (
    <Dialog title={t("inviteLinks")} onClose={onClose}>
      <p className="quiet">{t("inviteAdvice")}</p>
      <InviteForm view={view} onCreated={setShown} />
      {invites.length > 0 && (
        <section className="facts">
          <h3>{t("openLinks")}</h3>
          <ul className="invites">
            {invites.toReversed().map((invite) => (
              <InviteRow
                key={invite.id}
                invite={invite}
                view={view}
                isShown={shown === invite.id}
                onShow={(on) => {
                  setShown(on ? invite.id : undefined)
                }}
              />
            ))}
          </ul>
        </section>
      )}
    </Dialog>
  )
}
