import type { ReactNode } from "react"
import { t } from "../words/translate.js"
import { useRegisterSW } from "virtual:pwa-register/react"

/** A new version is here: it takes over when the user says so, never in the middle of a sentence. */
export function UpdateNotice(): ReactNode {
  const {
    needRefresh: [isWaiting, setWaiting],
    updateServiceWorker,
  } = useRegisterSW()
  if (!isWaiting) return null
  const update = (): void => {
    updateServiceWorker(true).catch(() => {
      location.reload()
    })
  }
  return (
    <div className="toast" role="status">
      <span>{t("newVersion")}</span>
      <button type="button" className="main-button" onClick={update}>
        {t("reload")}
      </button>
      <button
        type="button"
        className="quiet-button"
        onClick={() => {
          setWaiting(false)
        }}
      >
        {t("later")}
      </button>
    </div>
  )
}
