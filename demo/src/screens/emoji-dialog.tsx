import type { Message } from "@weft/sdk"
import type { ReactNode } from "react"
import { Dialog } from "../parts/dialog.js"
import { type Language, useLanguage } from "../state/language.js"
import { useLoaded } from "../state/loaded.js"
import type { MessageActs } from "../state/message-acts.js"
import { t } from "../words/translate.js"

/** The picker and what it offers: nobody waits for them who never opens it. */
const loaders = {
  en: async () => ({ ...(await import("../parts/emoji-picker.js")), data: (await import("virtual:emoji/en")).default }),
  zh: async () => ({ ...(await import("../parts/emoji-picker.js")), data: (await import("virtual:emoji/zh")).default }),
} as const satisfies Record<Language, unknown>

/** Any emoji for a reaction. */
export function EmojiDialog(props: { message: Message; acts: MessageActs; onClose: () => void }): ReactNode {
  const { message, acts, onClose } = props
  const loaded = useLoaded(loaders[useLanguage()])
  return (
    <Dialog title={t("react")} onClose={onClose} kind="emoji">
      {loaded.kind === "ready" && (
        <loaded.value.EmojiPicker
          data={loaded.value.data}
          onPick={(char) => {
            acts.toggleReaction(message, char)
            onClose()
          }}
        />
      )}
      {loaded.kind === "failed" && (
        <>
          <p className="problem" role="alert">
            {t("didNotWork")}
          </p>
          <button type="button" className="quiet-button" onClick={loaded.retry}>
            {t("tryAgain")}
          </button>
        </>
      )}
    </Dialog>
  )
}
