import { createClient, createMemoryStorage, type Client, type NodeClientOptions } from "@weft/sdk/node"
import { onTestFinished } from "vitest"
import { quickEnv } from "./quick-env.ts"

/** A device of the user in this process, closed when the test ends; in memory, where no folder or storage is given. */
export async function openClient(user: string, options: Partial<NodeClientOptions> = {}): Promise<Client> {
  const place = options.directory === undefined ? { storage: createMemoryStorage() } : {}
  const client = await createClient({ user, env: quickEnv, ...place, ...options })
  onTestFinished(() => client.close())
  return client
}
