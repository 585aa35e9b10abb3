import { WeftError } from "../base/errors.js"
import { areMentions, noMentions, type GivenMention, type Mention } from "../conversation/mention.js"
import { MAX_CONTENT_KEYS } from "../protocol/limits.js"
import { parseUserId } from "../protocol/names.js"

/** Mentions that an application gave, as the format has them. Throws BAD_ARGUMENT. [SPEC M2] */
export function demandMentions(given: readonly GivenMention[] | undefined, text: string): readonly Mention[] {
  if (given === undefined || given.length === 0) return noMentions
  const mentions = given.map(({ start, length, user }): Mention => {
    const parsed = user === null ? null : parseUserId(user)
    if (parsed === undefined) throw new WeftError("BAD_ARGUMENT", "a mention names no user")
    return { start, length, user: parsed }
  })
  if (mentions.length > MAX_CONTENT_KEYS || !areMentions(mentions, text)) {
    throw new WeftError("BAD_ARGUMENT", "mentions are ascending ranges of the text, at most 64, not overlapping")
  }
  return mentions
}
