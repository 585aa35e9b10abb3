import type { MessageStatus } from "@weft/sdk"
import type { ReactNode } from "react"
import { showStatus } from "../words/messages.js"

/**
 * How far an own message has come: a clock, a check in an outlined ring, a check in a full disc, two checks in a ring, two
 * checks in a full disc, or an exclamation mark.
 * Told apart by shape; in words it is in the message's label.
 */
export function Tick({ status }: { status: MessageStatus }): ReactNode {
  return (
    <svg className="tick" data-status={status} viewBox="0 0 16 16" width="16" height="16" aria-hidden="true">
      <title>{showStatus(status)}</title>
      <circle cx="8" cy="8" r="6.25" />
      <path d={shapes[status]} />
    </svg>
  )
}

const shapes: Record<MessageStatus, string> = {
  saving: "M8 4.600V8l2.3 1.5",
  saved: "M5.2 8.200l2 2 3.7-4.2",
  sent: "M5.2 8.200l2 2 3.7-4.2",
  delivered: "M3.4 8.200l2 2 3.7-4.2M7.8 10.2l3.7-4.2",
  read: "M3.4 8.200l2 2 3.7-4.2M7.8 10.2l3.7-4.2",
  rejected: "M8 4.500v4.300M8 11.200v.2",
}
