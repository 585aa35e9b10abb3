import type { ReactNode } from "react"
import { languages, setLanguage, useLanguage } from "../state/language.js"
import { t } from "../words/translate.js"

/** Each in its own words, so that whoever landed in the wrong one finds back. */
const names = { en: "English", zh: "中文" }

export function LanguageChoice(): ReactNode {
  const chosen = useLanguage()
  return (
    <fieldset className="choice">
      <legend>{t("language")}</legend>
      {languages.map((language) => (
        <label key={language} lang={language}>
          <input
            type="radio"
            name="language"
            checked={chosen === language}
            onChange={() => {
              setLanguage(language)
            }}
          />
          <span>{names[language]}</span>
        </label>
      ))}
    </fieldset>
  )
}
