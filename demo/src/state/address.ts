import type { MessageId } from "@weft/sdk"
import { parseMessageId } from "@weft/sdk/protocol"
import { useSyncExternalStore } from "react"
import { readUser } from "../words/names.js"
import { hasRoomBeside } from "./beside.js"
import { keep, readKept } from "./keep.js"
import { createSignal } from "./signal.js"

const panels = ["new", "join", "search", "keys", "details", "date", "invites", "pinned", "sync", "account"] as const
type Panel = (typeof panels)[number]

/** What is on screen: a conversation or the list alone, with or without a dialog before it. */
export interface Route {
  readonly conversation?: string | undefined
  /** The first message of the thread that is shown beside the conversation. */
  readonly thread?: MessageId | undefined
  readonly panel?: Panel | undefined
  /** The invite link that led here; its panel is `join`. */
  readonly link?: string | undefined
}

export interface Address {
  /** Undefined: nobody was picked yet. */
  readonly user: string | undefined
  readonly route: Route
}

/** `#/`, `#/new`, `#/c/<id>`, `#/c/<id>/details`, `#/c/<id>/t/<message>` and so on, and an invite's `#weft-join=...`. */
export function parseRoute(hash: string): Route {
  if (hash.startsWith("#weft-join=")) return { panel: "join", link: hash }
  const parts = hash.replace(/^#?\/?/, "").split("/")
  const hasConversation = parts[0] === "c" && parts[1] !== undefined && parts[1] !== ""
  const last = hasConversation ? parts[2] : parts[0]
  return {
    conversation: hasConversation ? parts[1] : undefined,
    thread: hasConversation && parts[2] === "t" ? parseMessageId(parts[3]) : undefined,
    panel: panels.find((panel) => panel === last),
  }
}

export function formatRoute({ conversation, thread, panel, link }: Route): string {
  if (link !== undefined) return link
  const parts = [
    conversation === undefined ? undefined : `c/${conversation}`,
    panel ?? (thread === undefined ? undefined : `t/${thread}`),
  ]
  return `#/${parts.filter(Boolean).join("/")}`
}

const changed = createSignal()
let current: { href: string; address: Address } | undefined

function readAddress(): Address {
  const { href, hash, search } = location
  if (current?.href !== href) {
    current = {
      href,
      address: { user: readUser(new URLSearchParams(search).get("user") ?? ""), route: parseRoute(hash) },
    }
  }
  return current.address
}

function subscribe(listener: () => void): () => void {
  window.addEventListener("popstate", listener)
  window.addEventListener("hashchange", listener)
  const stop = changed.subscribe(listener)
  return () => {
    window.removeEventListener("popstate", listener)
    window.removeEventListener("hashchange", listener)
    stop()
  }
}

export function useAddress(): Address {
  return useSyncExternalStore(subscribe, readAddress)
}

/** Entries of the history that this page made before this one, so that a back button knows whether to step back. */
function depth(): number {
  const state: unknown = history.state
  return typeof state === "object" && state !== null && "depth" in state && typeof state.depth === "number"
    ? state.depth
    : 0
}

export function goTo(route: Route, options: { replace?: boolean } = {}): void {
  go(formatRoute(route), options.replace === true)
}

/** Steps back where this page came from inside itself, else goes to `route` in place. */
export function goBack(route: Route): void {
  if (depth() > 0) history.back()
  else goTo(route, { replace: true })
}

/** Shows a thread beside its conversation, in place of another one. */
export function openThread(conversation: string, thread: MessageId): void {
  const shown = readAddress().route.thread
  if (shown !== thread) goTo({ conversation, thread }, { replace: shown !== undefined })
}

/** Closes a thread that covers the messages. */
export function uncoverMessages(conversation: string): void {
  if (readAddress().route.thread !== undefined && !hasRoomBeside()) goBack({ conversation })
}

function go(url: string, isReplacing: boolean): void {
  if (isReplacing) history.replaceState({ depth: depth() }, "", url)
  else history.pushState({ depth: depth() + 1 }, "", url)
  changed.emit()
}

function addressFor(user: string | undefined, route: Route): string {
  const search = new URLSearchParams(location.search)
  if (user === undefined) search.delete("user")
  else search.set("user", user)
  return `${location.pathname}${search.size > 0 ? `?${search.toString()}` : ""}${formatRoute(route)}`
}

/** Picks the user: remembered here for the next visit, and named in the address so that it can be shared. */
export function pickUser(user: string): void {
  keep("user", user)
  go(addressFor(user, readAddress().route), false)
}

/** Back to the choice of users. What this device holds of them stays. */
export function leaveUser(): void {
  keep("user", undefined)
  go(addressFor(undefined, {}), false)
}

/** Names the remembered user in an address that names none. Called once, before the first render. */
export function restoreUser(): void {
  const { user, route } = readAddress()
  const remembered = readUser(readKept("user") ?? "")
  if (user === undefined && remembered !== undefined) go(addressFor(remembered, route), true)
  else if (user !== undefined) keep("user", user)
}

/** An absolute link that opens the conversation as that user. */
export function linkFor(user: string, route: Route): string {
  return new URL(addressFor(user, route), location.href).href
}

/** Where an invite link leads: this page, whoever opens it. */
export function inviteBase(): string {
  const { href } = new URL(addressFor(undefined, {}), location.href)
  return href.replace(/#.*$/, "")
}
