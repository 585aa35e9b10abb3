import type { GivenMention } from "@weft/sdk"
import type { ReactNode } from "react"
import type { Composed } from "../state/composed.js"

/** Stands behind a field with the same text, and shows which of it are mentions: a field has one look for all its text. */
export function MentionMirror({ text, mentions, scrolled }: Composed & { scrolled: number }): ReactNode {
  const endOf = (mention: GivenMention | undefined): number =>
    mention === undefined ? 0 : mention.start + mention.length
  return (
    <div className="mention-mirror" aria-hidden="true">
      <div dir="auto" style={{ translate: `0 ${-scrolled}px` }}>
        {mentions.map((mention, index) => (
          <span key={mention.start}>
            {text.slice(endOf(mentions[index - 1]), mention.start)}
            <mark>{text.slice(mention.start, endOf(mention))}</mark>
          </span>
        ))}
        {text.slice(endOf(mentions.at(-1)))}
      </div>
    </div>
  )
}
