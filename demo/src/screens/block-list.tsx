import { useAccount } from "@weft/sdk/react"
import type { ReactNode } from "react"
import { Avatar } from "../parts/avatar.js"
import { showName } from "../words/names.js"
import { t } from "../words/translate.js"

/** Who is blocked, and a way back. */
export function BlockList(): ReactNode {
  const { account, blocked } = useAccount()
  if (blocked.size === 0) return null
  return (
    <section className="facts">
      <h3>{t("blockedPeople")}</h3>
      <ul className="members">
        {Array.from(blocked, (user) => (
          <li key={user} className="member">
            <Avatar name={user} />
            <span className="member-name">
              <bdi className="strong">{showName(user)}</bdi>
            </span>
            <button
              type="button"
              className="quiet-button"
              aria-label={t("unblockName", { name: showName(user) })}
              onClick={() => {
                account.unblock(user)
              }}
            >
              {t("unblock")}
            </button>
          </li>
        ))}
      </ul>
    </section>
  )
}
