import type { ReactNode } from "react"
import { initialsOf, toneOf } from "../words/names.js"

/** Initials on a color of their own. Decoration: the name stands beside it. */
export function Avatar(props: {
  name: string
  size?: "small" | "large"
  shape?: "person" | "group"
  isHere?: boolean
}): ReactNode {
  const { name, size, shape = "person", isHere = false } = props
  return (
    <span
      className="avatar"
      data-tone={toneOf(name)}
      data-size={size}
      data-shape={shape}
      data-here={isHere || undefined}
      data-initials={initialsOf(name)}
      aria-hidden="true"
    />
  )
}
