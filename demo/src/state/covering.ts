import { createSignal } from "./signal.js"

const changed = createSignal()
let dialogs = 0

/** A modal dialog opened; it closes with what is returned. */
export function cover(): () => void {
  dialogs++
  changed.emit()
  return () => {
    dialogs--
    changed.emit()
  }
}

/** Whether a modal dialog is before all else: on a phone it hides the conversation, and a screen reader knows of nothing beside it. */
export const isCovered = (): boolean => dialogs > 0

/** Calls back when that may have changed. */
export const onCovering = changed.subscribe
