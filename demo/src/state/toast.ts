import { useSyncExternalStore } from "react"
import { createSignal } from "./signal.js"

/** Something that was done, and a way back for a while. */
export interface Toast {
  readonly text: string
  readonly action?: {
    readonly name: string
    /** Takes back what was done: there are keys for that. */
    readonly isUndo?: boolean
    readonly run: () => Promise<unknown>
  }
}

const changed = createSignal()
let current: Toast | undefined

/** Shows it in place of the one before. */
export function showToast(toast: Toast | undefined): void {
  current = toast
  changed.emit()
}

/** Ends it, unless another one took its place. */
export function endToast(toast: Toast): void {
  if (current === toast) showToast(undefined)
}

export function useToast(): Toast | undefined {
  return useSyncExternalStore(changed.subscribe, () => current)
}
