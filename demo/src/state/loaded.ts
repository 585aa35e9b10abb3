import { useCallback, useEffect, useState } from "react"

export type Loaded<T> =
  | { readonly kind: "loading" }
  | { readonly kind: "ready"; readonly value: T }
  | { readonly kind: "failed"; readonly retry: () => void }

/** What is loaded when it is needed; `load` stays the same function. Where the network fails it can be tried again. */
export function useLoaded<T>(load: () => Promise<T>): Loaded<T> {
  const [attempt, setAttempt] = useState(0)
  const [result, setResult] = useState<{ load: () => Promise<T>; attempt: number; value?: T }>()
  const retry = useCallback(() => {
    setAttempt((before) => before + 1)
  }, [])
  useEffect(() => {
    let isCurrent = true
    load().then(
      (value) => {
        if (isCurrent) setResult({ load, attempt, value })
      },
      () => {
        if (isCurrent) setResult({ load, attempt })
      },
    )
    return () => {
      isCurrent = false
    }
  }, [load, attempt])
  if (result?.load !== load || result.attempt !== attempt) return { kind: "loading" }
  return result.value === undefined ? { kind: "failed", retry } : { kind: "ready", value: result.value }
}
