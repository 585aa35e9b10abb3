import { useCallback, useEffect, useLayoutEffect, useRef, useState } from "react"
import { explainError } from "../words/errors.js"

export interface Action {
  readonly isBusy: boolean
  /** What went wrong the last time, in words. */
  readonly problem: string | undefined
  /**
   * Runs one at a time; what fails shows as `problem`. What had the focus gets it back, where it was disabled meanwhile; the
   * dialog's title, where it is gone with its row.
   */
  run(work: () => Promise<unknown>): void
}

/** Something that a person starts and that may fail. */
export function useAction(): Action {
  const [state, setState] = useState<{ isBusy: boolean; problem: string | undefined }>({
    isBusy: false,
    problem: undefined,
  })
  const isRunning = useRef(false)
  const isMounted = useRef(true)
  const starter = useRef<Element>(null)
  const title = useRef<Element>(null)
  useLayoutEffect(() => {
    if (state.isBusy || starter.current === null) return
    giveFocusBack(starter.current)
    starter.current = null
  }, [state.isBusy])
  useEffect(() => {
    isMounted.current = true
    return () => {
      isMounted.current = false
      if (title.current?.isConnected === true) giveFocusBack(title.current)
    }
  }, [])
  const run = useCallback((work: () => Promise<unknown>) => {
    if (isRunning.current) return
    isRunning.current = true
    starter.current = document.activeElement
    title.current = starter.current?.closest("dialog")?.querySelector("h2") ?? null
    setState({ isBusy: true, problem: undefined })
    const end = (problem: string | undefined): void => {
      isRunning.current = false
      if (isMounted.current) setState({ isBusy: false, problem })
    }
    work().then(
      () => {
        end(undefined)
      },
      (error: unknown) => {
        end(explainError(error))
      },
    )
  }, [])
  return { ...state, run }
}

/** Whoever took the focus meanwhile keeps it. */
function giveFocusBack(element: Element): void {
  if (document.activeElement === document.body && element instanceof HTMLElement) element.focus({ preventScroll: true })
}
