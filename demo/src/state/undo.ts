import type { Account, OwnAct } from "@weft/sdk"
import { t } from "../words/translate.js"
import { showToast } from "./toast.js"

/** Says what was just done, and offers to take back that and nothing else; undefined: nothing was. `done` follows then. */
export function offerUndo(text: string, account: Account, act: OwnAct | undefined, done?: () => void): void {
  if (act === undefined) return
  const run = async (): Promise<void> => {
    const { kind } = await account.undo(act)
    if (kind === "undone") done?.()
    else showToast({ text: t("nothingUndone") })
  }
  showToast({ text, action: { name: t("undo"), isUndo: true, run } })
}
