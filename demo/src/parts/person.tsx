import type { ReactNode } from "react"
import { showName } from "../words/names.js"
import { Avatar } from "./avatar.js"

/** A line of a list of people. */
export function Person({ user }: { user: string }): ReactNode {
  return (
    <li className="receipt">
      <Avatar name={user} size="small" />
      <bdi>{showName(user)}</bdi>
    </li>
  )
}
