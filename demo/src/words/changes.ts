import type { Change } from "@weft/sdk"
import { explainRefusal } from "./errors.js"
import { showName } from "./names.js"
import { explainRole } from "./roles.js"
import { t } from "./translate.js"

/** What somebody changed about a conversation, in words. */
export function showChange({ kind, user, role, text }: Change): string {
  const name = user === undefined ? t("somebody") : showName(user)
  switch (kind) {
    case "add":
      return t("changeAdd", { name })
    case "remove":
      return t("changeRemove", { name })
    case "leave":
      return t("changeLeave")
    case "return":
      return t("changeReturn")
    case "role":
      return t("changeRole", { name, role: role === undefined ? "?" : explainRole(role) })
    case "title":
      return t("changeTitle", { text: showName(text ?? "") })
    case "topic":
      return t("changeTopic")
    case "announce":
      return t("changeAnnounce")
    case "pin":
      return t("changePin")
    case "invite":
      return t("changeInvite")
    case "revoke":
      return t("changeRevoke")
    case "join":
      return t("changeJoin")
  }
}

/** What became of it. */
export function showOutcome({ status, code }: Change): string {
  switch (status) {
    case "pending":
      return code === undefined ? t("changePending") : t("changeDoubtful", { reason: explainRefusal(code), code })
    case "accepted":
      return t("changeAccepted")
    case "refused":
      return code === undefined ? t("changeRefused") : t("changeRefusedBecause", { reason: explainRefusal(code), code })
  }
}
