import type { SearchOptions } from "@weft/sdk"
import { useClient, useConversationList } from "@weft/sdk/react"
import { type ReactNode, useId, useState } from "react"
import { SelectField } from "../parts/select-field.js"
import { endOfDay, startOfDay } from "../words/dates.js"
import { showName } from "../words/names.js"
import { titleOf } from "../words/titles.js"
import { showNumber, t } from "../words/translate.js"

/** Empty: not limited by that. Dates as `2025-06-18`, local days. */
export interface SearchFilter {
  readonly author: string
  readonly conversation: string
  readonly from: string
  readonly to: string
  readonly order: "relevance" | "time"
}

export const noFilter: SearchFilter = { author: "", conversation: "", from: "", to: "", order: "relevance" }

/** Both days belong to what is searched. */
export function toOptions({ author, conversation, from, to, order }: SearchFilter): SearchOptions {
  const [start, end] = [startOfDay(from), endOfDay(to)]
  return {
    order,
    ...(author === "" ? {} : { author }),
    ...(conversation === "" ? {} : { conversation }),
    ...(start === undefined ? {} : { from: start }),
    ...(end === undefined ? {} : { before: end }),
  }
}

interface SearchFiltersProps {
  filter: SearchFilter
  onChange: (filter: SearchFilter) => void
}

/** By whom, where, when, and in which order; folded away where there is little room. */
export function SearchFilters(props: SearchFiltersProps): ReactNode {
  const [isOpen] = useState(() => matchMedia("(min-width: 720px)").matches)
  const count = Object.entries(props.filter).filter(
    ([name, value]) => value !== noFilter[name as keyof SearchFilter],
  ).length
  return (
    <details className="filters" open={isOpen}>
      <summary>
        <span>{t("filters")}</span>
        {count > 0 && <span className="badge">{showNumber(count)}</span>}
      </summary>
      <FilterFields {...props} />
    </details>
  )
}

function FilterFields({ filter, onChange }: SearchFiltersProps): ReactNode {
  const { user } = useClient()
  const items = useConversationList()
  const people = new Set(items.flatMap(({ info }) => info.members.map((member) => member.user as string)))
  const set = (change: Partial<SearchFilter>): void => {
    onChange({ ...filter, ...change })
  }
  return (
    <div className="field-grid">
      <SelectField
        label={t("from")}
        value={filter.author}
        onChange={(author) => {
          set({ author })
        }}
        options={[
          { value: "", name: t("anybody") },
          ...Array.from(people, (name) => ({ value: name, name: name === user ? t("you") : showName(name) })),
        ]}
      />
      <SelectField
        label={t("in")}
        value={filter.conversation}
        onChange={(conversation) => {
          set({ conversation })
        }}
        options={[
          { value: "", name: t("anywhere") },
          ...items.map(({ conversation, info }) => ({ value: conversation.id, name: titleOf(info, user) })),
        ]}
      />
      <DayField
        label={t("since")}
        value={filter.from}
        onChange={(from) => {
          set({ from })
        }}
      />
      <DayField
        label={t("until")}
        value={filter.to}
        onChange={(to) => {
          set({ to })
        }}
      />
      <SelectField
        label={t("order")}
        value={filter.order}
        onChange={(order) => {
          set({ order })
        }}
        options={[
          { value: "relevance", name: t("bestFirst") },
          { value: "time", name: t("newestFirst") },
        ]}
      />
    </div>
  )
}

function DayField(props: { label: string; value: string; onChange: (day: string) => void }): ReactNode {
  const { label, value, onChange } = props
  const id = useId()
  return (
    <div className="field">
      <label htmlFor={id}>{label}</label>
      <input
        id={id}
        type="date"
        value={value}
        onChange={(event) => {
          onChange(event.target.value)
        }}
      />
    </div>
  )
}
