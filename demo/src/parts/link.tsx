import type { MouseEvent, ReactNode } from "react"
import { formatRoute, goTo, type Route } from "../state/address.js"

interface LinkProps {
  to: Route
  className?: string
  children: ReactNode
  "aria-label"?: string
  "aria-current"?: "page" | undefined
}

/** A link within the page; a new tab or window still works, as it is a real one. */
export function Link({ to, ...rest }: LinkProps): ReactNode {
  const follow = (event: MouseEvent): void => {
    if (event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return
    event.preventDefault()
    goTo(to)
  }
  return <a href={formatRoute(to)} onClick={follow} {...rest} />
}
