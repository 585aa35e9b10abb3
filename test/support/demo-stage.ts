import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { type Client, createClient, createMemoryStorage } from "@weft/sdk/node"
import { type RunningServer, startServer } from "@weft/sync-server"
import { systemEnv } from "@weft/sdk/protocol"
import type { Browser, BrowserContextOptions, Page } from "playwright-core"
import { afterEach, beforeAll, beforeEach, expect } from "vitest"
import { sharedChromium, newProfile, type Profile } from "./browser.js"
import { buildDemo } from "./demo-build.js"

const unlimited = { entriesPerSecond: 100_000, entryBurst: 100_000 }

/** The demo on a server of its own for each test, and people who use it, each in a browser profile or by the SDK alone. */
export interface DemoStage {
  url(): string
  /** A person with a browser of their own. */
  open(user: string, hash?: string, options?: BrowserContextOptions): Promise<Page>
  /** A person's device without a screen; `now` is its clock, milliseconds since 1970. */
  device(user: string, now?: () => number): Promise<Client>
  /** The same without a server to set its clock right: `connect` gives it one. */
  awayDevice(user: string, now: () => number): Promise<Client>
  connect(device: Client): Promise<void>
}

/** Sets the stage for every test of a file. A page that logs an error or throws fails its test. */
export function useDemoStage(name: string): DemoStage {
  let browser: Browser
  let pages: string
  let data: string
  let server: RunningServer
  const profiles: Profile[] = []
  const clients: Client[] = []

  beforeAll(async () => {
    pages = await buildDemo()
    browser = await sharedChromium()
  })
  beforeEach(async () => {
    data = await mkdtemp(join(tmpdir(), `weft-${name}-`))
    server = await startServer({
      ...{ auth: { kind: "dev" }, port: 0, data, static: pages, limits: unlimited, logLevel: "silent" },
    })
  })
  afterEach(async () => {
    const errors = profiles.flatMap((profile) => profile.errors)
    for (const client of clients.splice(0)) await client.close()
    for (const profile of profiles.splice(0)) await profile.close()
    await server.close()
    await rm(data, { recursive: true, force: true })
    expect(errors).toEqual([])
  })

  const pageUrl = (): string => server.url.replace("ws", "http")
  const openDevice = async (user: string, now: () => number, servers: readonly string[]): Promise<Client> => {
    const client = await createClient({ user, servers, storage: createMemoryStorage(), env: { ...systemEnv, now } })
    clients.push(client)
    return client
  }

  return {
    url: pageUrl,
    async open(user, hash = "", options = {}) {
      const profile = await newProfile(browser, options)
      profiles.push(profile)
      const page = await profile.context.newPage()
      await page.goto(`${pageUrl()}/?user=${user}${hash}`)
      return page
    },
    device: (user, now = () => systemEnv.now()) => openDevice(user, now, [server.url]),
    awayDevice: (user, now) => openDevice(user, now, []),
    async connect(device) {
      device.addServer(server.url)
      await device.synced()
    },
  }
}
