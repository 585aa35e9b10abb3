import { createClient, createMemoryStorage, type Client } from "@weft/sdk/node"
import { conversationOf, until } from "../replay/replay.ts"

const PATIENCE_MS = 20_000

/** Two devices of the SDK meet on a server and write to each other; returns what went wrong, if anything did. */
export async function honestExchange(url: string): Promise<string | undefined> {
  const open = (user: string): Promise<Client> => createClient({ user, servers: [url], storage: createMemoryStorage() })
  const ann = await open("ann")
  const ben = await open("ben")
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error("a normal client is not served")), PATIENCE_MS)
  })
  const meet = async (): Promise<void> => {
    const mine = await ann.createConversation({ title: "After the storm", members: ["ben"] })
    await mine.send("hello").reached("sent")
    const theirs = await conversationOf(ben, mine.id)
    await until(theirs.messages, ({ items }) => items.some(({ text }) => text === "hello"))
    await theirs.send("hello back").reached("sent")
    await until(mine.messages, ({ items }) => items.some(({ text }) => text === "hello back"))
  }
  try {
    await Promise.race([meet(), late])
    return undefined
  } catch (error) {
    return String(error)
  } finally {
    clearTimeout(timer)
    await Promise.all([ann.close(), ben.close()])
  }
}
