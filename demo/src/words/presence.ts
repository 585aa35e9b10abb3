import type { Presence } from "@weft/sdk"
import { listNames } from "./names.js"
import { showSince } from "./times.js"
import { t } from "./translate.js"

export function showPresence(presence: Presence, now: number): string {
  return presence.kind === "online" ? t("online") : t("lastSeen", { when: showSince(Math.min(presence.at, now), now) })
}

export function showTyping(users: readonly string[]): string {
  const names = listNames(users)
  return users.length === 1 ? t("isTyping", { names }) : t("areTyping", { names })
}
