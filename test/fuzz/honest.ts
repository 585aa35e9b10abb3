import { createClient, createMemoryStorage, type Client } from "@weft/sdk/node"
import { quickEnv } from "../support/quick-env.ts"
import { conversationOf, until } from "../support/until.ts"

const PATIENCE_MS = 20_000

let exchanges = 0

/** Two devices of the SDK, of people who were never there, meet on a server and write to each other; returns what went wrong, if anything did. */
export async function honestExchange(url: string): Promise<string | undefined> {
  const open = (user: string): Promise<Client> =>
    createClient({ user, servers: [url], storage: createMemoryStorage(), env: quickEnv })
  const number = ++exchanges
  const ann = await open(`ann${String(number)}`)
  const ben = await open(`ben${String(number)}`)
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error("a normal client is not served")), PATIENCE_MS)
  })
  const meet = async (): Promise<void> => {
    const mine = await ann.createConversation({ title: "After the storm", members: [ben.user] })
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
