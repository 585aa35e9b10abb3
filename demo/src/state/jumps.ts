import type { MessageId } from "@weft/sdk"
import { useCallback, useEffect, useState } from "react"

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
/** Where to in a place. */
type Target = Pick<Jump, "message" | "segment">

export interface Jumps {
  /** Whether a jump is to come, or under way: where the list stands until then is not what somebody reads. */
  readonly isJumping: boolean
  readonly jump: (target: Target) => void
}

const jumpers = new Map<string, (target: Target) => void>()
/** Begins once the dialog that led to it has closed. */
let coming: Jump | undefined
/** Begins once its place is shown. */
let waiting: Jump | undefined

const keyOf = ({ conversation, thread }: Place): string => `${conversation}/${thread ?? ""}`

const isExpected = (place: Place): boolean =>
  [coming, waiting].some((jump) => jump !== undefined && keyOf(jump) === keyOf(place))

/** Brings a message into view: at once, or when its conversation or thread is shown. */
export function jumpToMessage(jump: Jump): void {
  // a dialog that closes gives the focus back, which is to go to the message
  const dialog = document.querySelector("dialog[open]")
  if (dialog === null) start(jump)
  else {
    coming = jump
    const startOnce = (): void => {
      start(jump)
    }
    dialog.addEventListener("close", startOnce, { once: true })
  }
}

function start(jump: Jump): void {
  coming = undefined
  const run = jumpers.get(keyOf(jump))
  waiting = run === undefined ? jump : undefined
  run?.(jump)
}

/** `run` says how, and resolves once it is done: a conversation has one list of messages, and a thread another. */
export function useJumps({ conversation, thread }: Place, run: (target: Target) => Promise<unknown>): Jumps {
  const [isJumping, setJumping] = useState(() => isExpected({ conversation, thread }))
  const begin = useCallback(
    (target: Target) => {
      const end = (): void => {
        setJumping(false)
      }
      run(target).then(end, end)
    },
    [run],
  )
  const jump = useCallback(
    (target: Target) => {
      setJumping(true)
      begin(target)
    },
    [begin],
  )
  useEffect(() => {
    const key = keyOf({ conversation, thread })
    jumpers.set(key, jump)
    const first = waiting
    const isMine = first !== undefined && keyOf(first) === key
    // of another conversation: somebody went elsewhere meanwhile
    if (isMine || first?.conversation !== conversation) waiting = undefined
    if (isMine) begin(first)
    return () => {
      if (jumpers.get(key) === jump) jumpers.delete(key)
    }
  }, [conversation, thread, begin, jump])
  return { isJumping, jump }
}
