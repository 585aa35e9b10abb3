import type { ReactNode } from "react"
import { codeOf, explainCode } from "../words/errors.js"
import { t } from "../words/translate.js"
import { Icon } from "./icon.js"

/** The whole screen, when nothing can be done before something is put right. */
export function Problem({ error, retry, leave }: { error: unknown; retry: () => void; leave?: () => void }): ReactNode {
  const code = codeOf(error)
  const { title, advice } =
    code === undefined ? { title: t("wentWrong"), advice: t("wentWrongAdvice") } : explainCode(code)
  return (
    <main className="centered">
      <div className="card" role="alert">
        <span className="card-icon" data-mood="broken">
          <Icon name="warning" size={28} />
        </span>
        <h1>{title}</h1>
        <p>{advice}</p>
        <p className="code">{code ?? (error instanceof Error ? error.message : String(error))}</p>
        {code !== undefined && <p className="fine">{t("doesNotOpen")}</p>}
        <div className="row-actions">
          <button type="button" className="main-button" onClick={retry}>
            {t("tryAgain")}
          </button>
          {leave && (
            <button type="button" className="quiet-button" onClick={leave}>
              {t("chooseAnotherUser")}
            </button>
          )}
        </div>
      </div>
    </main>
  )
}
