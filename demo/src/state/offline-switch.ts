import { useSyncExternalStore } from "react"
import { keep, readKept } from "./keep.js"
import { createSignal } from "./signal.js"

const changed = createSignal()

/** Whether this user chose to work offline, in all tabs. Kept, so that a reload does not go online behind their back. */
export function readOfflineSwitch(user: string): boolean {
  return readKept(`offline.${user}`) === "yes"
}

export function setOfflineSwitch(user: string, on: boolean): void {
  keep(`offline.${user}`, on ? "yes" : undefined)
  changed.emit()
}

function subscribe(listener: () => void): () => void {
  // the other tabs' switch; the SDK has told them to go offline by itself
  window.addEventListener("storage", listener)
  const stop = changed.subscribe(listener)
  return () => {
    window.removeEventListener("storage", listener)
    stop()
  }
}

export function useOfflineSwitch(user: string): boolean {
  return useSyncExternalStore(subscribe, () => readOfflineSwitch(user))
}
