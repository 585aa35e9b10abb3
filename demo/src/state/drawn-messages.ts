import type { Message } from "@weft/sdk"
import { isPrepended } from "../words/rows.js"

/** Messages that are drawn, where there are as many. */
const FEWEST = 256
/** Older ones that are drawn at once: the virtualizer makes room for each by itself, and moves all others to do so. */
const PORTION = 128
/** Where more come in at the beginning at once the list is made anew. */
const MANY = 512
/** Drawn before a message that is jumped to. */
const AROUND = 64

/** The newest of the messages that are loaded: what the list draws from. Older ones follow as it is scrolled up. */
export interface Drawn {
  readonly all: readonly Message[]
  /** The first of them that is drawn. */
  readonly first: number
  /** Those from it on, by number alone: a copy of so many, many times, would be felt. */
  readonly rows: { readonly length: number }
  /** Whether `rows` grew at the beginning: what is in view is kept by its distance from the end. */
  readonly isPrepended: boolean
  /** Another one means that the list is to be made anew. */
  readonly generation: number
}

export function drawAll(all: readonly Message[]): Drawn {
  return { all, first: 0, rows: all, isPrepended: false, generation: 0 }
}

/** After the messages changed: older ones that came in wait until they are asked for. */
export function drawAfter(before: Drawn, all: readonly Message[]): Drawn {
  const first = firstAfter(before, all)
  const next = { ...before, all, first, rows: { length: all.length - first }, isPrepended: false }
  return next.rows.length < FEWEST ? drawFrom(next, all.length - FEWEST) : next
}

/** Draws a portion of those before the first. */
export function drawOlder(before: Drawn): Drawn {
  return drawFrom(before, before.first - PORTION)
}

/** Draws back to a message, by its place in all of them. */
export function drawTo(before: Drawn, place: number): Drawn {
  return place < before.first ? drawFrom(before, place - AROUND) : before
}

function drawFrom(before: Drawn, place: number): Drawn {
  const first = Math.max(0, place)
  const added = before.first - first
  if (added <= 0) return before
  const isNew = added > MANY
  return {
    ...before,
    first,
    rows: { length: before.all.length - first },
    isPrepended: !isNew,
    generation: before.generation + (isNew ? 1 : 0),
  }
}

/** Where the first one that was drawn is now. */
function firstAfter({ all: before, first }: Drawn, all: readonly Message[]): number {
  const id = before[first]?.id
  if (id === undefined || all[first]?.id === id) return Math.min(first, all.length)
  if (isPrepended(before, all)) return first + all.length - before.length
  const found = all.findIndex((message) => message.id === id)
  return found < 0 ? Math.min(first, all.length) : found
}
