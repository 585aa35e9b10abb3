import type { Client, Conversation } from "@weft/sdk"

/** Resolves with the first value that the predicate takes. */
export function until<T>(
  source: { get(): T; subscribe(listener: () => void): () => void },
  passes: (value: T) => boolean,
): Promise<T> {
  return new Promise((resolve) => {
    let stop = (): void => undefined
    const look = (): boolean => {
      if (!passes(source.get())) return false
      stop()
      resolve(source.get())
      return true
    }
    if (!look()) stop = source.subscribe(look)
  })
}

/** The conversation with this id, once the device has it. */
export async function conversationOf(client: Client, id: string): Promise<Conversation> {
  const list = await until(client.conversations, (all) => all.some((conversation) => conversation.id === id))
  const found = list.find((conversation) => conversation.id === id)
  if (found === undefined) throw new Error("it was there")
  return found
}

/** Resolves once it passes: of what tells no change, as what a storage holds. */
export async function eventually(passes: () => Promise<boolean>): Promise<void> {
  while (!(await passes())) await new Promise((resolve) => setTimeout(resolve, 5))
}
