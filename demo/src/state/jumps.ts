import type { MessageId } from "@weft/sdk"
import { useEffect } from "react"

/** A message to bring into view. */
export interface Jump {
  readonly conversation: string
  readonly message: MessageId
  /** Spares reading back through what lies between. */
  readonly segment?: number | undefined
  /** The thread in whose panel it is to be shown. */
  readonly thread?: MessageId | undefined
}

type Place = Pick<Jump, "conversation" | "thread">
type Jumper = (jump: Jump) => void

const jumpers = new Map<string, Jumper>()
let waiting: Jump | undefined

const keyOf = ({ conversation, thread }: Place): string => `${conversation}/${thread ?? ""}`

/** Brings a message into view: at once, or when its conversation or thread is shown. */
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
  const run = jumpers.get(keyOf(jump))
  waiting = run === undefined ? jump : undefined
  run?.(jump)
}

/** Says how: a conversation has one list of messages, and a thread another. */
export function useJumps({ conversation, thread }: Place, run: Jumper): void {
  useEffect(() => {
    const key = keyOf({ conversation, thread })
    jumpers.set(key, run)
    const jump = waiting
    const isMine = jump !== undefined && keyOf(jump) === key
    // of another conversation: somebody went elsewhere meanwhile
    if (isMine || jump?.conversation !== conversation) waiting = undefined
    if (isMine) run(jump)
    return () => {
      if (jumpers.get(key) === run) jumpers.delete(key)
    }
  }, [conversation, thread, run])
}
