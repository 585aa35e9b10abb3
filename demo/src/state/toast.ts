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

/** One that is on screen; `id`: another one for each, also where it says the same. */
export interface ShownToast extends Toast {
  readonly id: number
}

const changed = createSignal()
let current: ShownToast | undefined
let lastId = 0

/** Shows it in place of the one before. */
export function showToast(toast: Toast | undefined): void {
  current = toast && { ...toast, id: ++lastId }
  changed.emit()
}

/** Ends it, unless another one took its place. */
export function endToast(toast: ShownToast): void {
  if (current === toast) showToast(undefined)
}

export function useToast(): ShownToast | undefined {
  return useSyncExternalStore(changed.subscribe, () => current)
}
