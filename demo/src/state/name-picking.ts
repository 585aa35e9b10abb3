import type { GivenMention } from "@weft/sdk"
import { type KeyboardEvent, useId, useState } from "react"
import {
  addMention,
  type AskedName,
  askedName,
  carryMentions,
  endsName,
  findNames,
  fullyNamed,
  type Nameable,
  pickName,
} from "../words/mentions.js"
import type { Composed } from "./composed.js"

interface Options extends Composed {
  readonly names: readonly Nameable[]
}

export interface NamePicking {
  readonly id: string
  /** Empty: nothing is offered. */
  readonly offered: readonly Nameable[]
  /** Index of the one that Enter takes. */
  readonly chosen: number
  readonly choose: (index: number) => void
  readonly pick: (name: Nameable) => void
  /** For the field, so that a screen reader tells of the list. */
  readonly aria: { readonly "aria-controls"?: string; readonly "aria-activedescendant"?: string }
  /** True where the key was meant for the list. */
  readonly onKey: (event: KeyboardEvent) => boolean
  readonly onSelect: (start: number, end: number) => void
  readonly onLeave: () => void
  /** What the text is after somebody typed, with the mentions in it. */
  readonly afterTyping: (text: string, caret: number) => Composed
  /** The mentions of what is sent now. */
  readonly finish: () => readonly GivenMention[]
}

interface State {
  /** Undefined: not known yet, or more than a place is selected. */
  readonly caret: number | undefined
  readonly hasFocus: boolean
  readonly chosen: number
  /** Start of the name that nothing more is offered for. */
  readonly dismissed: number | undefined
}

/**
 * Offers names after an "@". A mention is the range that was picked; who types a whole name and goes on picked it too, as
 * long as the offer was not put away with Escape.
 */
export function useNamePicking(
  { text, mentions, names }: Options,
  replace: (next: Composed, caret: number) => void,
): NamePicking {
  const id = useId()
  const [state, setState] = useState<State>({
    caret: undefined,
    hasFocus: false,
    chosen: 0,
    dismissed: undefined,
  })
  const { caret, hasFocus, chosen, dismissed } = state
  const near = caret === undefined ? undefined : askedName(text, caret, mentions)
  const asked = near?.start === dismissed ? undefined : near
  const offered = asked === undefined || !hasFocus ? [] : findNames(asked.query, names)
  const at = Math.min(chosen, offered.length - 1)

  const pick = (name: Nameable): void => {
    if (asked === undefined) return
    const picked = pickName(text, mentions, asked, name)
    setState({ caret: picked.caret, hasFocus, chosen: 0, dismissed: undefined })
    replace({ text: picked.text, mentions: picked.mentions }, picked.caret)
  }
  const act = (key: string): (() => void) | undefined => {
    const count = offered.length
    switch (key) {
      case "ArrowDown":
      case "ArrowUp":
        return () => {
          setState({ ...state, chosen: (at + (key === "ArrowDown" ? 1 : count - 1)) % count })
        }
      case "Enter":
      case "Tab":
        return () => {
          const name = offered[at]
          if (name !== undefined) pick(name)
        }
      case "Escape":
        return () => {
          setState({ ...state, chosen: 0, dismissed: asked?.start })
        }
      default:
        return undefined
    }
  }
  return {
    id,
    offered,
    chosen: at,
    choose: (index) => {
      setState({ ...state, chosen: index })
    },
    pick,
    aria: offered.length === 0 ? {} : { "aria-controls": id, "aria-activedescendant": `${id}-${at}` },
    onKey: (event) => {
      const isPlain = !event.shiftKey && !event.ctrlKey && !event.metaKey && !event.altKey
      const run = offered.length > 0 && isPlain ? act(event.key) : undefined
      if (run === undefined) return false
      event.preventDefault()
      run()
      return true
    },
    onSelect: (start, end) => {
      const next = start === end ? end : undefined
      if (next !== caret || !hasFocus) setState({ caret: next, hasFocus: true, chosen: 0, dismissed })
    },
    onLeave: () => {
      setState({ ...state, hasFocus: false })
    },
    afterTyping: (next, nextCaret) => {
      const isThere = dismissed !== undefined && next[dismissed] === "@"
      setState({ caret: nextCaret, hasFocus: true, chosen: 0, dismissed: isThere ? dismissed : undefined })
      const carried = carryMentions(mentions, text, next, nextCaret)
      const isAdded = caret !== undefined && next.length - text.length === nextCaret - caret
      const typed = isAdded ? next.slice(caret, nextCaret) : ""
      const full = asked === undefined ? undefined : fullyNamed(asked, names)
      if (asked === undefined || full === undefined || !endsName(typed)) return { text: next, mentions: carried }
      // a longer name may still be meant
      if (findNames(asked.query + typed, names).length > 0) return { text: next, mentions: carried }
      return { text: next, mentions: addMention(carried, rangeOf(asked, full)) }
    },
    finish: () => {
      const full = asked === undefined ? undefined : fullyNamed(asked, names)
      return asked === undefined || full === undefined ? mentions : addMention(mentions, rangeOf(asked, full))
    },
  }
}

function rangeOf({ start, query }: AskedName, { user }: Nameable): GivenMention {
  return { start, length: 1 + query.length, user }
}
