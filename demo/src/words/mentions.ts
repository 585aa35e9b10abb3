import type { GivenMention } from "@weft/sdk"
import { changeBetween } from "./caret.js"

/** Who can be named after an "@": a member, or everyone. */
export interface Nameable {
  /** Null: everyone. */
  readonly user: string | null
  /** What stands behind the "@". */
  readonly name: string
  /** Other words for it. */
  readonly also?: readonly string[]
}

/** A name that is being typed: from the "@" to the caret. */
export interface AskedName {
  readonly start: number
  /** Without the "@". */
  readonly query: string
}

/** Letters of words that spaces keep apart. Others stand right beside a name: a sign among them is no address. */
const LETTER = /(?![\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}])[\p{L}\p{N}_]/u

/** No name is sought further back. */
const LONGEST = 64
/** What one message may hold. */
const MOST = 64

/** What is typed behind an "@" up to the caret; undefined where none is near, or where it belongs to a mention already. */
export function askedName(text: string, caret: number, mentions: readonly GivenMention[]): AskedName | undefined {
  const start = text.lastIndexOf("@", caret - 1)
  if (start < 0 || caret - start > LONGEST || LETTER.test(text[start - 1] ?? "")) return undefined
  const query = text.slice(start + 1, caret)
  const isTaken = mentions.some((mention) => mention.start <= start && start < mention.start + mention.length)
  return isTaken || query.includes("\n") || query.startsWith(" ") ? undefined : { start, query }
}

/** Those whose name begins as the query does come first, then those with a later word that does. */
export function findNames(query: string, all: readonly Nameable[]): readonly Nameable[] {
  const sought = query.toLowerCase()
  const namesOf = ({ name, also = [] }: Nameable): string[] => [name, ...also].map((one) => one.toLowerCase())
  const begins = all.filter((one) => namesOf(one).some((name) => name.startsWith(sought)))
  const later = all.filter((one) => !begins.includes(one) && namesOf(one).some((name) => name.includes(` ${sought}`)))
  return [...begins, ...later]
}

/** Who is named in full by what was typed, without having been picked. */
export function fullyNamed(asked: AskedName, all: readonly Nameable[]): Nameable | undefined {
  const sought = asked.query.toLowerCase()
  return all.find(({ name, also = [] }) => [name, ...also].some((one) => one.toLowerCase() === sought))
}

/** Whether what was typed behind a full name ends it. */
export function endsName(typed: string): boolean {
  return typed !== "" && !LETTER.test(typed[0] ?? "")
}

/** The name in place of what was typed of it, as a mention; with a space behind it, where there is none. */
export function pickName(
  text: string,
  mentions: readonly GivenMention[],
  { start, query }: AskedName,
  { user, name }: Nameable,
): { readonly text: string; readonly mentions: readonly GivenMention[]; readonly caret: number } {
  const end = start + 1 + query.length
  const [before, after] = [text.slice(0, start), text.slice(end)]
  const picked = `@${name}`
  const space = after.startsWith(" ") ? "" : " "
  const next = `${before}${picked}${space}${after}`
  const others = carryMentions(mentions, text, next, start + picked.length + space.length)
  return {
    text: next,
    mentions: addMention(others, { start, length: picked.length, user }),
    caret: start + picked.length + 1,
  }
}

/** With one more, in order. */
export function addMention(mentions: readonly GivenMention[], added: GivenMention): readonly GivenMention[] {
  return [...mentions, added].sort((one, other) => one.start - other.start).slice(0, MOST)
}

/**
 * The same mentions after the text changed around them, by typing that left the caret there or, without one, by another
 * device. One whose own letters changed is none any more.
 */
export function carryMentions(
  mentions: readonly GivenMention[],
  before: string,
  after: string,
  caret?: number,
): readonly GivenMention[] {
  if (before === after || mentions.length === 0) return mentions
  const { start, removed, added } = changeBetween(before, after, caret)
  const end = start + removed
  return mentions.flatMap((mention) => {
    if (mention.start + mention.length <= start) return [mention]
    return mention.start >= end ? [{ ...mention, start: mention.start + added - removed }] : []
  })
}

/** As it is sent: without spaces around it. */
export function trimMentions(
  text: string,
  mentions: readonly GivenMention[],
): { readonly text: string; readonly mentions: readonly GivenMention[] } {
  const trimmed = text.trim()
  const start = text.indexOf(trimmed)
  return { text: trimmed, mentions: mentions.map((mention) => ({ ...mention, start: mention.start - start })) }
}

export function sameMentions(one: readonly GivenMention[], other: readonly GivenMention[]): boolean {
  const isSame = (a: GivenMention, b: GivenMention | undefined): boolean =>
    a.start === b?.start && a.length === b.length && a.user === b.user
  return one.length === other.length && one.every((mention, index) => isSame(mention, other[index]))
}
