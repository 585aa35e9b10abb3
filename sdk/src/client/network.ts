/** Online and visibility events of a page: each is a reason to try at once. */
export function watchPage(events: { readonly online: () => void; readonly offline: () => void }): () => void {
  const visible = (): void => {
    if (document.visibilityState === "visible") events.online()
  }
  const { online, offline } = events
  addEventListener("online", online)
  addEventListener("offline", offline)
  document.addEventListener("visibilitychange", visible)
  return () => {
    removeEventListener("online", online)
    removeEventListener("offline", offline)
    document.removeEventListener("visibilitychange", visible)
  }
}
