import { useSyncExternalStore } from "react"
import { createSignal } from "./signal.js"

/** Something that was done, and a way back for a while. */
export interface Toast {
  readonly text: string
  readonly action?: { readonly name: string; readonly run: () => Promise<unknown> }
}

const changed = createSignal()
let current: Toast | undefined

/** Shows it in place of the one before. */
export function showToast(toast: Toast | undefined): void {
  current = toast
  changed.emit()
}

export function useToast(): Toast | undefined {
  return useSyncExternalStore(changed.subscribe, () => current)
}
