import { useClient } from "@weft/sdk/react"
import type { ReactNode } from "react"
import { Avatar } from "../parts/avatar.js"
import { Dialog } from "../parts/dialog.js"
import { Icon } from "../parts/icon.js"
import { leaveUser } from "../state/address.js"
import { setTheme, type Theme, useTheme } from "../state/theme.js"
import { showName } from "../words/names.js"

const themes: readonly { theme: Theme; name: string }[] = [
  { theme: "system", name: "System" },
  { theme: "light", name: "Light" },
  { theme: "dark", name: "Dark" },
]

export function AccountDialog({ onClose }: { onClose: () => void }): ReactNode {
  const { user, device } = useClient()
  const chosen = useTheme()
  return (
    <Dialog title="Account" onClose={onClose}>
      <div className="whoami">
        <Avatar name={user} size="large" />
        <div>
          <bdi className="strong">{showName(user)}</bdi>
          <p className="quiet">
            Device <code>{device}</code>
          </p>
        </div>
      </div>
      <fieldset className="choice">
        <legend>Appearance</legend>
        {themes.map(({ theme, name }) => (
          <label key={theme}>
            <input
              type="radio"
              name="theme"
              checked={chosen === theme}
              onChange={() => {
                setTheme(theme)
              }}
            />
            <span>{name}</span>
          </label>
        ))}
      </fieldset>
      <button type="button" className="quiet-button" onClick={leaveUser}>
        <Icon name="leave" size={18} />
        <span>Switch user</span>
      </button>
    </Dialog>
  )
}
