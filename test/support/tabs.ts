import type { Env } from "../../sdk/src/base/env.js"
import { openClient } from "../../sdk/src/client/client.js"
import type { TabEvents, TabMessage, TabPort } from "../../sdk/src/client/tab-port.js"
import { webCryptoVerify } from "../../sdk/src/identity/verify.js"
import type { MemoryStorage } from "../../sdk/src/storage/memory.js"
import { hostDeflate } from "../../sdk/src/transport/host-deflate.js"
import { packing } from "../../sdk/src/transport/packing.js"
import { webSocketTransport } from "../../sdk/src/transport/websocket.js"
import type { Storage } from "../../sdk/src/storage/storage.js"
import type { Transport } from "../../sdk/src/transport/transport.js"
import { WebSocket } from "ws"
import type { Client, NodeClientOptions } from "@weft/sdk/node"
import { quickEnv } from "./quick-env.js"

export interface TestTab {
  readonly client: Client
  /** This tab gets the lock; the one that had it is not told. Resolves when it took its turn. */
  lead(): Promise<void>
  /** Hears that it has lost the lock. */
  follow(): void
  /** Hears nothing, until the result is called: all of it then, as a tab that was frozen. */
  freeze(): () => void
}

interface TabOptions {
  readonly isDeaf?: boolean
  readonly isMute?: boolean
  /** What happens before it meets the others: it has read what is stored by then. */
  readonly before?: () => Promise<void>
  readonly transport?: Transport
}

/** As a browser has it. */
const sockets = packing(webSocketTransport(WebSocket), hostDeflate())

/** The tabs of one browser profile: one device, one storage, one lock, which the test gives and takes. */
export class TestProfile {
  readonly #listeners = new Set<TabEvents>()

  constructor(
    readonly user: string,
    readonly storage: MemoryStorage,
    readonly servers: readonly string[],
    readonly options: Pick<NodeClientOptions, "releaseAfterMs" | "history"> & { readonly env?: Env } = {},
    /** Messages of a segment, where they are to be few. */
    readonly segmentMessages?: number,
  ) {}

  /** Opens a tab that does not lead. `through`: what stands between it and the storage; a deaf one is told nothing, a mute one tells nothing. */
  async open(
    through: (storage: Storage) => Storage = (storage) => storage,
    { isDeaf = false, isMute = false, before, transport = sockets }: TabOptions = {},
  ): Promise<TestTab> {
    let own: TabEvents | undefined
    let missed: TabMessage[] | undefined
    const port: TabPort = {
      start: async (events) => {
        await before?.()
        const heard = (message: TabMessage): void => {
          if (missed === undefined) events.heard(message)
          else missed.push(message)
        }
        own = { ...events, heard: isDeaf ? () => undefined : heard }
        this.#listeners.add(own)
      },
      tell: (message) => {
        if (!isMute) this.#tell(own, (events) => events.heard(message))
      },
      stop: async () => {
        if (own === undefined) return
        this.#listeners.delete(own)
        this.#tell(own, (events) => events.gone())
      },
    }
    const client = await openClient(
      { user: this.user, servers: this.servers, env: quickEnv, ...this.options },
      {
        storage: through(this.storage.share()),
        transport,
        verify: webCryptoVerify(crypto.subtle),
        tabs: port,
        ...(this.segmentMessages !== undefined && { segmentMessages: this.segmentMessages }),
        watchNetwork: () => () => undefined,
      },
    )
    const freeze = () => {
      missed = []
      return () => {
        const late = missed ?? []
        missed = undefined
        for (const message of late) own?.heard(message)
      }
    }
    return { client, lead: async () => own?.lead(), follow: () => own?.follow(), freeze }
  }

  /** As a BroadcastChannel does: in a later turn, to all others. */
  #tell(from: TabEvents | undefined, tell: (events: TabEvents) => void): void {
    setImmediate(() => {
      for (const events of this.#listeners) if (events !== from) tell(events)
    })
  }
}
