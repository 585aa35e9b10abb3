import { afterEach, describe, expect, it, vi } from "vitest"
import { setLanguage } from "../state/language.js"
import { en } from "./en.js"
import { listNames } from "./names.js"
import { showDay, showSince, showWhen } from "./times.js"
import { type Phrase, t } from "./translate.js"
import { zh } from "./zh.js"

const formsOf = (phrase: Phrase): readonly string[] => (typeof phrase === "string" ? [phrase] : Object.values(phrase))
const namesIn = (form: string): readonly string[] => (form.match(/\{\w+\}/g) ?? []).toSorted()

function speak(language: "en" | "zh"): void {
  vi.stubGlobal("document", { documentElement: { lang: "" } })
  setLanguage(language)
}

afterEach(() => {
  speak("en")
  vi.unstubAllGlobals()
})

describe("the dictionaries", () => {
  it("have the same keys, in the same order", () => {
    expect(Object.keys(zh)).toEqual(Object.keys(en))
  })

  it("say something under every key, with the same values in every form", () => {
    for (const [key, phrase] of Object.entries<Phrase>(en)) {
      const expected = namesIn(formsOf(phrase).at(-1) ?? "")
      for (const form of [...formsOf(phrase), ...formsOf(zh[key as keyof typeof en])]) {
        expect(form.trim() === "" && key !== "nameSeparator", key).toBe(false)
        expect(namesIn(form), key).toEqual(expected)
      }
    }
  })
})

describe("t", () => {
  it("puts values in, and takes the form that fits the count", () => {
    expect(t("memberCount", { count: 1 })).toBe("1 member")
    expect(t("memberCount", { count: 1_200 })).toBe("1,200 members")
    expect(t("removeName", { name: "{count} $& bob" })).toBe("Remove {count} $& bob")
  })

  it("speaks Chinese after a switch, dates and lists of names too", () => {
    speak("zh")
    expect(document.documentElement.lang).toMatch(/^zh/)
    expect(t("memberCount", { count: 2 })).toBe("2 位成员")
    expect(listNames(["a", "b", "c"])).toBe("a、b和c")
    const now = new Date(2025, 5, 18, 12).getTime()
    expect(showDay(now - 86_400_000, now)).toBe("昨天")
    expect(showWhen(now - 5 * 60_000, now)).toContain("5")
    expect(showWhen(now - 5 * 60_000, now)).toContain("前")
  })
})

describe("showSince", () => {
  it("says how long ago today, and the day with the time before", () => {
    const now = new Date(2025, 5, 18, 12).getTime()
    expect(showSince(now - 5 * 60_000, now)).toMatch(/^5.*ago$/)
    expect(showSince(now - 86_400_000, now)).toMatch(/^Yesterday at 12/)
  })
})
