import { compareText } from "../protocol/bytes.js"
import type { Clock, MessageId } from "../protocol/entry.js"
import { MAX_REACTIONS } from "../protocol/limits.js"
import type { UserId } from "../protocol/names.js"
import { compareRemarks } from "./edits.js"
import type { Reaction } from "./message.js"

/** One user's word on one emoji of a message. */
export interface ReactionWord {
  readonly id: MessageId
  readonly clock: Clock
  readonly user: UserId
  readonly emoji: string
  readonly on: boolean
}

export const noReactions: readonly Reaction[] = Object.freeze([])

/** Who reacts with what: for each user and emoji the last word counts. Emoji that came first stand first. [SPEC M6] */
export function reactionsOf(words: Iterable<ReactionWord>, self: UserId): readonly Reaction[] {
  const latest = new Map<string, ReactionWord>()
  for (const word of words) {
    const key = `${word.emoji} ${word.user}`
    const other = latest.get(key)
    if (other === undefined || compareRemarks(other, word) < 0) latest.set(key, word)
  }
  const byEmoji = new Map<string, ReactionWord[]>()
  for (const word of latest.values()) {
    if (!word.on) continue
    const list = byEmoji.get(word.emoji)
    if (list === undefined) byEmoji.set(word.emoji, [word])
    else list.push(word)
  }
  if (byEmoji.size === 0) return noReactions
  const groups = Array.from(byEmoji, ([emoji, group]) => ({ emoji, group: group.sort(compareRemarks) }))
  groups.sort((a, b) => {
    const [first, second] = [a.group[0], b.group[0]]
    return (first && second ? compareRemarks(first, second) : 0) || compareText(a.emoji, b.emoji)
  })
  return groups.slice(0, MAX_REACTIONS).map(({ emoji, group }) => ({
    emoji,
    users: group.map(({ user }) => user),
    own: group.some(({ user }) => user === self),
  }))
}
