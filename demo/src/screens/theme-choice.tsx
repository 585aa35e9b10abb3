import type { ReactNode } from "react"
import { setTheme, type Theme, useTheme } from "../state/theme.js"
import { t } from "../words/translate.js"

const themes = [
  { theme: "system", name: "themeSystem" },
  { theme: "light", name: "themeLight" },
  { theme: "dark", name: "themeDark" },
] as const satisfies readonly { theme: Theme; name: string }[]

export function ThemeChoice(): ReactNode {
  const chosen = useTheme()
  return (
    <fieldset className="choice">
      <legend>{t("appearance")}</legend>
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
          <span>{t(name)}</span>
        </label>
      ))}
    </fieldset>
  )
}
