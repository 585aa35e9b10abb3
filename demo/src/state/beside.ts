import { useSyncExternalStore } from "react"

const room = (): MediaQueryList => matchMedia("(min-width: 1120px)")

/** Whether there is room for a thread beside the conversation, as the style sheet says: else it covers that. */
export const hasRoomBeside = (): boolean => room().matches

/** The same, live. */
export function useRoomBeside(): boolean {
  return useSyncExternalStore(subscribe, hasRoomBeside)
}

function subscribe(listener: () => void): () => void {
  const list = room()
  list.addEventListener("change", listener)
  return () => {
    list.removeEventListener("change", listener)
  }
}
