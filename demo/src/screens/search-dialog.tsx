import type { SearchHit } from "@weft/sdk"
import { parseMessageId } from "@weft/sdk/protocol"
import { useClient, useConversationList, useSearch } from "@weft/sdk/react"
import { type KeyboardEvent, type ReactNode, useDeferredValue, useId, useMemo, useState } from "react"
import { Dialog } from "../parts/dialog.js"
import { Icon } from "../parts/icon.js"
import { showMessageIn } from "../state/shown-message.js"
import { titleOf } from "../words/titles.js"
import { t } from "../words/translate.js"
import { noFilter, type SearchFilter, SearchFilters, toOptions } from "./search-filters.js"
import { SearchHitRow } from "./search-hit-row.js"

/** Most hits that are shown: who looks further down types another word. */
const MOST = 50

/** Finds messages in all conversations of this device, offline too; arrow keys choose, Enter opens. */
export function SearchDialog({ onClose }: { onClose: () => void }): ReactNode {
  const client = useClient()
  const list = useId()
  const [text, setText] = useState("")
  const [filter, setFilter] = useState<SearchFilter>(noFilter)
  const [chosen, setChosen] = useState(0)
  const { hits, state, isAsked } = useHits(text, filter)
  const titles = useTitles()
  const at = Math.min(chosen, hits.length - 1)

  const open = ({ conversation, segment, id }: SearchHit): void => {
    const message = parseMessageId(id)
    if (message !== undefined) showMessageIn({ conversation, segment, message })
  }
  const press = (event: KeyboardEvent): void => {
    if (event.nativeEvent.isComposing || hits.length === 0) return
    const next = { ArrowDown: at + 1, ArrowUp: at - 1 }[event.key]
    if (next !== undefined) setChosen((next + hits.length) % hits.length)
    else if (event.key === "Enter") {
      const hit = hits[at]
      if (hit !== undefined) open(hit)
    } else return
    event.preventDefault()
  }
  return (
    <Dialog title={t("search")} onClose={onClose} kind="search">
      <div className="search-field">
        <Icon name="search" size={18} />
        <input
          // no search field: Escape would empty that in some browsers, and close the dialog in others
          type="text"
          enterKeyHint="search"
          role="combobox"
          aria-label={t("searchMessages")}
          aria-expanded={hits.length > 0}
          aria-controls={list}
          aria-activedescendant={hits.length > 0 ? `${list}-${at}` : undefined}
          data-focus=""
          autoComplete="off"
          placeholder={t("searchMessages")}
          value={text}
          onKeyDown={press}
          onChange={(event) => {
            setText(event.target.value)
            setChosen(0)
          }}
        />
      </div>
      <SearchFilters
        filter={filter}
        onChange={(changed) => {
          setFilter(changed)
          setChosen(0)
        }}
      />
      <ul id={list} className="hits" role="listbox" aria-label={t("searchResults")}>
        {hits.map((hit, index) => (
          <SearchHitRow
            key={hit.id}
            id={`${list}-${index}`}
            hit={hit}
            title={titles.get(hit.conversation) ?? t("conversation")}
            isChosen={index === at}
            isOwn={hit.author === client.user}
            onOpen={() => {
              open(hit)
            }}
          />
        ))}
      </ul>
      <SearchState state={state} isAsked={isAsked} count={hits.length} />
    </Dialog>
  )
}

interface Hits {
  readonly hits: readonly SearchHit[]
  readonly state: "searching" | "ready" | "failed"
  /** Whether something to look for was typed. */
  readonly isAsked: boolean
}

function useHits(text: string, filter: SearchFilter): Hits {
  // typing goes first: what it finds may come a moment later
  const asked = useDeferredValue(text).trim()
  const { hits, state, complete } = useSearch(asked, { ...toOptions(filter), limit: MOST })
  return { hits, state: state === "ready" && !complete ? "searching" : state, isAsked: asked !== "" }
}

function useTitles(): ReadonlyMap<string, string> {
  const { user } = useClient()
  const items = useConversationList()
  return useMemo(
    () => new Map(items.map(({ conversation, info }) => [conversation.id, titleOf(info, user)])),
    [items, user],
  )
}

function SearchState({ state, isAsked, count }: { state: Hits["state"]; isAsked: boolean; count: number }): ReactNode {
  const words = !isAsked
    ? t("searchAdvice")
    : state === "failed"
      ? t("searchFailed")
      : state === "searching"
        ? count === 0
          ? t("searching")
          : t("foundSoFar", { count })
        : count === 0
          ? t("nothingFound")
          : count === MOST
            ? t("foundMany", { count })
            : t("foundCount", { count })
  return (
    <p className="fine search-state" role="status">
      {words}
    </p>
  )
}
