import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { createClient, type Client } from "@weft/sdk/node"
import { ObservedServer } from "../support/observed-server.ts"

/** A server process with LevelDB, and clients with LevelDB in this one; all of it ends with the bench. */
export class Stage {
  readonly #clients = new Set<Client>()

  private constructor(
    readonly directory: string,
    readonly server: ObservedServer,
  ) {}

  static async open(): Promise<Stage> {
    const directory = await mkdtemp(join(tmpdir(), "weft-bench-"))
    const limits = { entriesPerSecond: 1e6, entryBurst: 1e6, relayedPerSecond: 1e6, relayedBurst: 1e6 }
    const server = await ObservedServer.start({ data: join(directory, "server"), limits })
    return new Stage(directory, server)
  }

  /** `name`: the device's folder, the same for one that comes back. */
  async client(user: string, name: string, url = this.server.url): Promise<Client> {
    const client = await createClient({ user, servers: [url], directory: join(this.directory, name) })
    this.#clients.add(client)
    return client
  }

  /** LevelDB's folder of a client with that name. */
  databaseOf(name: string): string {
    return join(this.directory, name, "store")
  }

  get serverDatabase(): string {
    return join(this.directory, "server")
  }

  async closeClient(client: Client): Promise<void> {
    this.#clients.delete(client)
    await client.close()
  }

  async close(): Promise<void> {
    for (const client of this.#clients) await client.close()
    await this.server.stop()
    await rm(this.directory, { recursive: true, force: true })
  }
}

export async function onStage<T>(run: (stage: Stage) => Promise<T>): Promise<T> {
  const stage = await Stage.open()
  try {
    return await run(stage)
  } finally {
    await stage.close()
  }
}
