import type { MessageId } from "@weft/sdk"
import { useEffect } from "react"

/** A message to bring into view. */
export interface Jump {
  readonly conversation: string
  readonly message: MessageId
  /** Spares reading back through what lies between. */
  readonly segment?: number | undefined
}

type Jumper = (jump: Jump) => void

let jumper: { readonly conversation: string; readonly run: Jumper } | undefined
let waiting: Jump | undefined

/** Brings a message into view: at once, or when its conversation is shown. */
export function jumpToMessage(jump: Jump): void {
  // a dialog that closes gives the focus back, which is to go to the message
  const dialog = document.querySelector("dialog[open]")
  if (dialog === null) start(jump)
  else {
    const startOnce = (): void => {
      start(jump)
    }
    dialog.addEventListener("close", startOnce, { once: true })
  }
}

function start(jump: Jump): void {
  if (jumper?.conversation === jump.conversation) jumper.run(jump)
  else waiting = jump
}

/** Says how: what is shown has one list of messages. */
export function useJumps(conversation: string, run: Jumper): void {
  useEffect(() => {
    const own = { conversation, run }
    jumper = own
    if (waiting?.conversation === conversation) run(waiting)
    waiting = undefined
    return () => {
      if (jumper === own) jumper = undefined
    }
  }, [conversation, run])
}
