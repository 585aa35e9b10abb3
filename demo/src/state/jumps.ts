import { useEffect } from "react"

type Jump = (message: string) => void

let jump: Jump | undefined

/** Brings a message of the conversation that is shown into view. */
export function jumpToMessage(message: string): void {
  jump?.(message)
}

/** Says how: what is shown has one list of messages. */
export function useJumps(how: Jump): void {
  useEffect(() => {
    jump = how
    return () => {
      if (jump === how) jump = undefined
    }
  }, [how])
}
