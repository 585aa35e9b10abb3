import type { SearchHit } from "@weft/sdk"
import { type ReactNode, useEffect, useRef } from "react"
import { Avatar } from "../parts/avatar.js"
import { useNow } from "../state/clock.js"
import { cutAround } from "../words/excerpt.js"
import { showName } from "../words/names.js"
import { showFull, showWhen } from "../words/times.js"
import { t } from "../words/translate.js"
import { unmarked } from "../words/unmarked.js"

interface SearchHitRowProps {
  id: string
  hit: SearchHit
  /** Of its conversation. */
  title: string
  isChosen: boolean
  isOwn: boolean
  onOpen: () => void
}

/** A message that was found, with what answers marked. */
export function SearchHitRow({ id, hit, title, isChosen, isOwn, onOpen }: SearchHitRowProps): ReactNode {
  const row = useRef<HTMLLIElement>(null)
  const now = useNow(60_000)
  const { text, ranges } = unmarked(hit.text, hit.ranges)
  useEffect(() => {
    if (isChosen) row.current?.scrollIntoView({ block: "nearest" })
  }, [isChosen])
  return (
    // the keyboard chooses and opens it from the field, as with any list of a combobox
    <li ref={row} id={id} className="hit" role="option" aria-selected={isChosen} onClick={onOpen}>
      <Avatar name={hit.author} size="small" />
      <span className="hit-head">
        <bdi className="strong">{isOwn ? t("you") : showName(hit.author)}</bdi>
        <span className="quiet">
          {" "}
          {t("inPlace")} <bdi>{title}</bdi>
        </span>
      </span>
      <time dateTime={new Date(hit.sentAt).toISOString()} title={showFull(hit.sentAt)}>
        {showWhen(hit.sentAt, now)}
      </time>
      <span className="hit-text" dir="auto">
        {cutAround(text, ranges).map((piece) =>
          piece.isHit ? <mark key={piece.start}>{piece.text}</mark> : <span key={piece.start}>{piece.text}</span>,
        )}
      </span>
    </li>
  )
}
