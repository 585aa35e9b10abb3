import { type ReactNode, useEffect, useRef } from "react"
import type { NamePicking } from "../state/name-picking.js"
import { showName } from "../words/names.js"
import { t } from "../words/translate.js"
import { Avatar } from "./avatar.js"
import { Icon } from "./icon.js"

/** Whom an "@" may name: the field's arrow keys choose, Enter and Tab take, a press does at once. */
export function NameList({ picking }: { picking: NamePicking }): ReactNode {
  const { id, offered, chosen } = picking
  return (
    <>
      <span className="unseen" role="status">
        {offered.length > 0 && t("namesOffered", { count: offered.length })}
      </span>
      {offered.length > 0 && (
        <ul id={id} className="name-list" role="listbox" aria-label={t("whoIsMeant")}>
          {offered.map(({ user, name }, index) => (
            <NameOption
              key={user ?? ""}
              id={`${id}-${index}`}
              user={user}
              name={name}
              isChosen={index === chosen}
              onPoint={() => {
                picking.choose(index)
              }}
              onPick={() => {
                const one = offered[index]
                if (one !== undefined) picking.pick(one)
              }}
            />
          ))}
        </ul>
      )}
    </>
  )
}

interface NameOptionProps {
  id: string
  user: string | null
  name: string
  isChosen: boolean
  onPoint: () => void
  onPick: () => void
}

function NameOption({ id, user, name, isChosen, onPoint, onPick }: NameOptionProps): ReactNode {
  const option = useRef<HTMLLIElement>(null)
  useEffect(() => {
    if (isChosen) option.current?.scrollIntoView({ block: "nearest" })
  }, [isChosen])
  return (
    <li
      ref={option}
      id={id}
      role="option"
      aria-selected={isChosen}
      onPointerMove={isChosen ? undefined : onPoint}
      onPointerDown={(event) => {
        // the field keeps the focus, and a phone its keyboard
        event.preventDefault()
      }}
      onClick={onPick}
    >
      {user === null ? <Icon name="people" size={28} /> : <Avatar name={user} size="small" />}
      <bdi>{showName(name)}</bdi>
    </li>
  )
}
