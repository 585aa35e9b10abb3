import type { StorageOperation } from "./storage.js"

/** Nothing in a client's name ends it: no item of one client is taken for one of another. */
export const leftPrefix = (client: string): string => `weft/left/${client}\n`

/**
 * What was not saved when a page went. A browser drops writes that it has not come to by then, as behind another tab's
 * transaction or a slow disk, and begins none; localStorage takes what is left in it. Where there is no page, as in a
 * worker, nothing is left. [SPEC W1]
 */
export function leaveBehind(client: string, unsaved: () => readonly StorageOperation[]): () => void {
  if (typeof document === "undefined") return () => undefined
  const item = leftPrefix(client) + crypto.randomUUID()
  const leave = (): void => {
    const batch = unsaved()
    if (batch.length === 0) return
    try {
      localStorage.setItem(item, encode(batch))
    } catch {
      // blocked or full: as if the page had crashed
    }
  }
  const takeBack = ({ persisted }: PageTransitionEvent): void => {
    // It comes back with all that it had under way.
    if (persisted) remove(item)
  }
  addEventListener("pagehide", leave)
  addEventListener("pageshow", takeBack)
  return () => {
    removeEventListener("pagehide", leave)
    removeEventListener("pageshow", takeBack)
  }
}

/** Carries out what pages left that went. What can't be written now stays. */
export async function recoverLeft(
  client: string,
  write: (batch: readonly StorageOperation[]) => Promise<void>,
): Promise<void> {
  for (const [item, text] of itemsOf(client)) {
    const batch = decode(text)
    if (batch === undefined) continue
    await write(batch)
    remove(item)
  }
}

function itemsOf(client: string): [item: string, text: string][] {
  try {
    return Object.entries<string>(localStorage).filter(([item]) => item.startsWith(leftPrefix(client)))
  } catch {
    return []
  }
}

function remove(item: string): void {
  try {
    localStorage.removeItem(item)
  } catch {
    // there is none
  }
}

/** A letter for each byte of a value; none where a key was deleted. */
type Left = readonly [key: string, letters?: string]

function encode(batch: readonly StorageOperation[]): string {
  const left = batch.map((operation): Left =>
    operation.kind === "put"
      ? [operation.key, Array.from(operation.value, (byte) => String.fromCharCode(byte)).join("")]
      : [operation.key],
  )
  return JSON.stringify(left)
}

/** Undefined where Weft did not write it. */
function decode(text: string): StorageOperation[] | undefined {
  try {
    return (JSON.parse(text) as Left[]).map(([key, letters]) =>
      letters === undefined
        ? { kind: "delete", key }
        : { kind: "put", key, value: Uint8Array.from(letters, (letter) => letter.charCodeAt(0)) },
    )
  } catch {
    return undefined
  }
}
