import { type Language, readLanguage, readLocale } from "../state/language.js"
import { en } from "./en.js"
import { zh } from "./zh.js"

/** A text with `{names}` for values; one that counts has a form for one, and one for all other numbers. */
export type Phrase = string | { readonly one: string; readonly other: string }

export type Key = keyof typeof en

type NamesIn<Text> = Text extends `${string}{${infer Name}}${infer Rest}` ? Name | NamesIn<Rest> : never
type ValueNames<K extends Key> = NamesIn<(typeof en)[K] extends { other: infer Other } ? Other : (typeof en)[K]>
/** Of phrases that take no values. */
export type PlainKey = { [K in Key]: [ValueNames<K>] extends [never] ? K : never }[Key]
type Values<K extends Key> = Readonly<Record<ValueNames<K>, string | number>>

const dictionaries: Record<Language, Readonly<Record<Key, Phrase>>> = { en, zh }

/** What the page says in the language that is spoken; a phrase that counts takes its form from `count`. */
export function t<K extends Key>(key: K, ...[values]: [ValueNames<K>] extends [never] ? [] : [Values<K>]): string {
  const given: Readonly<Record<string, string | number>> = values ?? {}
  const text = chooseForm(dictionaries[readLanguage()][key], given.count)
  return text.replace(/\{(\w+)\}/g, (whole, name: string) => {
    const value = given[name]
    return typeof value === "number" ? showNumber(value) : (value ?? whole)
  })
}

function chooseForm(phrase: Phrase, count: string | number | undefined): string {
  if (typeof phrase === "string") return phrase
  return pluralRules()(Number(count)) === "one" ? phrase.one : phrase.other
}

const pluralRules = byLocale((locale) => {
  const rules = new Intl.PluralRules(locale)
  return (count: number) => rules.select(count)
})

const numbers = byLocale((locale) => new Intl.NumberFormat(locale))

export function showNumber(value: number): string {
  return numbers().format(value)
}

/** Makes something once for each locale: `Intl`'s formatters are dear. */
export function byLocale<T>(make: (locale: string) => T): () => T {
  const made = new Map<string, T>()
  return () => {
    const locale = readLocale()
    const known = made.get(locale)
    if (known !== undefined) return known
    const fresh = make(locale)
    made.set(locale, fresh)
    return fresh
  }
}
