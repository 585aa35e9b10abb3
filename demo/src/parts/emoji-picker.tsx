import {
  type KeyboardEvent,
  memo,
  type MouseEvent,
  type ReactNode,
  useDeferredValue,
  useEffect,
  useId,
  useMemo,
  useRef,
  useState,
} from "react"
import { keep, readKept } from "../state/keep.js"
import { hasMouse } from "../state/pointer.js"
import { readRecentEmoji, rememberEmoji } from "../state/recent-emoji.js"
import { type Emoji, emojiGroups, findEmoji, inTone, readEmoji, tones } from "../words/emoji.js"
import { t } from "../words/translate.js"
import { Icon } from "./icon.js"

interface EmojiPickerProps {
  /** All there are, as `readEmoji` takes them. */
  data: string
  onPick: (char: string) => void
}

interface Section {
  readonly key: string
  readonly title: string
  readonly items: readonly Emoji[]
}

/** All emoji, by groups or as they are sought: arrow keys go from one to the next, Enter takes it. */
export function EmojiPicker({ data, onPick }: EmojiPickerProps): ReactNode {
  const all = useMemo(() => readEmoji(data), [data])
  const [text, setText] = useState("")
  const [tone, setTone] = useState(() => tones.find((one) => one === readKept("tone")) ?? "")
  const query = useDeferredValue(text).trim()
  const sections = useMemo(() => (query === "" ? groupsOf(all) : [resultsOf(all, query)]), [all, query])
  const field = useRef<HTMLInputElement>(null)
  const grid = useRef<HTMLDivElement>(null)
  useEffect(() => {
    // a phone would cover them with its keyboard
    if (hasMouse()) field.current?.focus()
  }, [])
  const take = (char: string | undefined): void => {
    if (char === undefined) return
    rememberEmoji(char)
    onPick(char)
  }
  const pressInField = (event: KeyboardEvent): void => {
    if (event.nativeEvent.isComposing) return
    const first = grid.current?.querySelector<HTMLElement>("[data-emoji]")
    if (event.key === "Enter" && query !== "") take(first?.dataset.emoji)
    else if (event.key === "ArrowDown") first?.focus()
    else return
    event.preventDefault()
  }
  const count = sections.reduce((sum, { items }) => sum + items.length, 0)
  return (
    <div className="emoji-picker">
      <div className="emoji-head">
        <div className="search-field">
          <Icon name="search" size={18} />
          <input
            ref={field}
            type="text"
            enterKeyHint="search"
            aria-label={t("searchEmoji")}
            placeholder={t("searchEmoji")}
            autoComplete="off"
            value={text}
            onKeyDown={pressInField}
            onChange={(event) => {
              setText(event.target.value)
            }}
          />
        </div>
        <select
          className="emoji"
          aria-label={t("skinTone")}
          value={tone}
          onChange={(event) => {
            const chosen = tones.find((one) => one === event.target.value) ?? ""
            keep("tone", chosen)
            setTone(chosen)
          }}
        >
          {tones.map((one) => (
            <option key={one} value={one}>
              {inTone({ char: "✋", hasTones: true }, one)}
            </option>
          ))}
        </select>
      </div>
      {query === "" && <GroupButtons grid={grid} />}
      <div ref={grid} className="emoji-grid" onKeyDown={moveByArrows} onFocus={rove}>
        {sections.map((section, index) => (
          <EmojiSection key={section.key} section={section} tone={tone} isFirst={index === 0} take={take} />
        ))}
      </div>
      <p className="unseen" role="status">
        {query !== "" && t("emojiFound", { count })}
      </p>
    </div>
  )
}

/** Ways to the groups. */
function GroupButtons({ grid }: { grid: { readonly current: HTMLElement | null } }): ReactNode {
  return (
    <div className="emoji-groups" role="group" aria-label={t("emojiGroups")}>
      {emojiGroups.map(({ group, title, char }) => (
        <button
          key={group}
          type="button"
          className="emoji"
          aria-label={t(title)}
          title={t(title)}
          onClick={() => {
            const section = grid.current?.querySelector<HTMLElement>(`[data-group="${group}"]`)
            section?.scrollIntoView()
            section?.querySelector<HTMLElement>("[data-emoji]")?.focus({ preventScroll: true })
          }}
        >
          {char}
        </button>
      ))}
    </div>
  )
}

interface EmojiSectionProps {
  section: Section
  tone: string
  isFirst: boolean
  take: (char: string | undefined) => void
}

const EmojiSection = memo(
  function EmojiSection({ section: { key, title, items }, tone, isFirst, take }: EmojiSectionProps): ReactNode {
    const id = useId()
    return (
      <section className="emoji-section" aria-labelledby={id} data-group={key}>
        <h3 id={id}>{title}</h3>
        {items.length === 0 && <p className="quiet">{t("nothingFound")}</p>}
        <div
          className="emoji-cells emoji"
          onClick={(event: MouseEvent) => {
            take((event.target as HTMLElement).closest<HTMLElement>("[data-emoji]")?.dataset.emoji)
          }}
        >
          {items.map((emoji, index) => (
            <button
              key={emoji.char}
              type="button"
              data-emoji={inTone(emoji, tone)}
              aria-label={emoji.name}
              title={emoji.name}
              tabIndex={isFirst && index === 0 ? 0 : -1}
            >
              {inTone(emoji, tone)}
            </button>
          ))}
        </div>
      </section>
    )
  },
  (before, after) => before.section === after.section && before.tone === after.tone && before.isFirst === after.isFirst,
)

function groupsOf(all: readonly Emoji[]): readonly Section[] {
  const known = new Map(all.flatMap((emoji) => tones.map((tone) => [inTone(emoji, tone), emoji] as const)))
  const recent = readRecentEmoji().flatMap((char) => {
    const emoji = known.get(char)
    return emoji === undefined ? [] : [{ ...emoji, char, hasTones: false }]
  })
  const groups = emojiGroups.map(({ group, title }) => ({
    key: `${group}`,
    title: t(title),
    items: all.filter((emoji) => emoji.group === group),
  }))
  return recent.length === 0 ? groups : [{ key: "recent", title: t("emojiRecent"), items: recent }, ...groups]
}

function resultsOf(all: readonly Emoji[], query: string): Section {
  return { key: "results", title: t("searchResults"), items: findEmoji(all, query) }
}

/** One of so many is a stop of the Tab key: the one that had the focus last. */
function rove({ currentTarget, target }: { currentTarget: HTMLElement; target: EventTarget }): void {
  if (!(target instanceof HTMLElement) || target.dataset.emoji === undefined) return
  for (const stop of currentTarget.querySelectorAll<HTMLElement>('[data-emoji][tabindex="0"]')) stop.tabIndex = -1
  target.tabIndex = 0
}

function moveByArrows(event: KeyboardEvent<HTMLElement>): void {
  const { target, currentTarget, key } = event
  if (!(target instanceof HTMLElement) || target.dataset.emoji === undefined) return
  const cells = Array.from(currentTarget.querySelectorAll<HTMLElement>("[data-emoji]"))
  const next = neighbor(cells, cells.indexOf(target), key)
  if (next === undefined) return
  next.focus()
  event.preventDefault()
}

function neighbor(cells: readonly HTMLElement[], at: number, key: string): HTMLElement | undefined {
  switch (key) {
    case "ArrowRight":
      return cells[at + 1]
    case "ArrowLeft":
      return cells[at - 1]
    case "ArrowDown":
      return inNextLine(cells.slice(at + 1), cells[at])
    case "ArrowUp":
      return inNextLine(cells.slice(0, at).reverse(), cells[at])
    default:
      return undefined
  }
}

/** The one that stands nearest in the line after that of a cell; `rest` goes away from it. */
function inNextLine(rest: readonly HTMLElement[], cell: HTMLElement | undefined): HTMLElement | undefined {
  const own = cell?.getBoundingClientRect()
  if (own === undefined) return undefined
  let best: { readonly cell: HTMLElement; readonly top: number; readonly distance: number } | undefined
  for (const other of rest) {
    const { top, left } = other.getBoundingClientRect()
    if (Math.abs(top - own.top) < 1) continue
    if (best !== undefined && Math.abs(top - best.top) >= 1) break
    const distance = Math.abs(left - own.left)
    if (best === undefined || distance < best.distance) best = { cell: other, top, distance }
  }
  return best?.cell
}
