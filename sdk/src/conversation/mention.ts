import type { UserId } from "../protocol/names.js"

/** A place in a text that names somebody: a range, not a search for names. [SPEC M2] */
export interface Mention {
  /** In UTF-16 code units of the text. */
  readonly start: number
  readonly length: number
  /** Null: everyone in the conversation. */
  readonly user: UserId | null
}

/** A range of a text, in UTF-16 code units, that names a user; null: everyone. */
export interface GivenMention {
  readonly start: number
  readonly length: number
  readonly user: string | null
}

export const noMentions: readonly Mention[] = Object.freeze([])

/** Whether mentions are as an author may write them: ascending, within the text, not overlapping. */
export function areMentions(mentions: readonly Mention[], text: string): boolean {
  let end = 0
  for (const { start, length } of mentions) {
    if (!Number.isInteger(start) || !Number.isInteger(length) || start < end || length < 1) return false
    end = start + length
    if (end > text.length) return false
  }
  return true
}
