import { type ReactNode, useEffect } from "react"
import { useAction } from "../state/action.js"
import { endToast, type ShownToast, useToast } from "../state/toast.js"
import { t } from "../words/translate.js"
import { Icon } from "./icon.js"

/** Long enough to read and to reach the button. */
const SHOWN_FOR = 8_000

/** Where it is said what was done, with a way back. */
export function ToastArea(): ReactNode {
  const toast = useToast()
  // the place stays, so that a screen reader hears of what comes into it; what became of one toast is no matter of the next
  return <div role="status">{toast !== undefined && <ToastNote key={toast.id} toast={toast} />}</div>
}

function ToastNote({ toast }: { toast: ShownToast }): ReactNode {
  const action = useAction()
  useEffect(() => {
    const timer = setTimeout(() => {
      endToast(toast)
    }, SHOWN_FOR)
    return () => {
      clearTimeout(timer)
    }
  }, [toast])
  return (
    <div className="toast">
      <span>{action.problem ?? toast.text}</span>
      {toast.action !== undefined && (
        <button
          type="button"
          className="quiet-button"
          data-undo={toast.action.isUndo}
          disabled={action.isBusy}
          onClick={() => {
            action.run(async () => {
              await toast.action?.run()
              endToast(toast)
            })
          }}
        >
          {toast.action.name}
        </button>
      )}
      <button
        type="button"
        className="icon-button"
        aria-label={t("closeNote")}
        onClick={() => {
          endToast(toast)
        }}
      >
        <Icon name="close" size={18} />
      </button>
    </div>
  )
}
