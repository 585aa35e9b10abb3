import { useCallback, useState } from "react"
import { keep, readKept } from "./keep.js"

/**
 * State that is there again after a reload of this tab, and after its place was left. `read` takes what was kept, or
 * undefined; what it gives back first is not kept. The key stays the same as long as the state is used.
 */
export function useKeptState<T>(key: string, read: (kept: unknown) => T): readonly [T, (next: T | undefined) => void] {
  const [state, setState] = useState(() => read(parse(readKept(key, "tab"))))
  const set = useCallback(
    (next: T | undefined) => {
      keep(key, next === undefined ? undefined : JSON.stringify(next), "tab")
      setState(next ?? read(undefined))
    },
    [key, read],
  )
  return [state, set]
}

function parse(text: string | undefined): unknown {
  try {
    return text === undefined ? undefined : JSON.parse(text)
  } catch {
    return undefined
  }
}
