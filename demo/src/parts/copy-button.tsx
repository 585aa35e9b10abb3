import { type ReactNode, useEffect, useState } from "react"
import { t } from "../words/translate.js"
import { Icon, type IconName } from "./icon.js"

interface CopyButtonProps {
  text: string
  /** What is copied, for its label: "Copy link for bob". */
  label: string
  children: ReactNode
  icon?: IconName
  className?: string
}

/** Copies to the clipboard and says so for two seconds. */
export function CopyButton({
  text,
  label,
  children,
  icon = "copy",
  className = "quiet-button",
}: CopyButtonProps): ReactNode {
  const [state, setState] = useState<"idle" | "copied" | "failed">("idle")
  useEffect(() => {
    if (state === "idle") return
    const timer = setTimeout(() => {
      setState("idle")
    }, 2_000)
    return () => {
      clearTimeout(timer)
    }
  }, [state])
  const copy = (): void => {
    copyText(text).then(
      () => {
        setState("copied")
      },
      () => {
        setState("failed")
      },
    )
  }
  return (
    <>
      <button type="button" className={className} aria-label={label} onClick={copy}>
        <Icon name={state === "copied" ? "check" : icon} size={16} />
        <span>{state === "copied" ? t("copied") : state === "failed" ? t("notCopied") : children}</span>
      </button>
      <span className="unseen" role="status">
        {state === "copied" ? t("copied") : state === "failed" ? t("notCopied") : ""}
      </span>
    </>
  )
}

async function copyText(text: string): Promise<void> {
  await navigator.clipboard.writeText(text)
}
