import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import type { Browser, BrowserContextOptions, Page } from "playwright-core"
import { afterAll, afterEach, beforeAll, beforeEach, expect } from "vitest"
import { launchChromium, newProfile, type Profile } from "./browser.js"
import { buildDemo } from "./demo-build.js"
import { type ServerProcess, startServerProcess } from "./server-process.js"

export interface People {
  /** A person in a browser of their own, on the demo. */
  open(user: string, options?: BrowserContextOptions): Promise<Page>
  /** The server of the test that runs. */
  server(): ServerProcess
}

/** A fresh server for each test of a file, and browsers of people; no page may log an error. */
export function gatherPeople(): People {
  let browser: Browser
  let pages: string
  let data: string
  let server: ServerProcess
  const profiles: Profile[] = []

  beforeAll(async () => {
    pages = await buildDemo()
    browser = await launchChromium()
  })

  afterAll(() => browser.close())

  beforeEach(async () => {
    data = await mkdtemp(join(tmpdir(), "weft-people-"))
    server = await startServerProcess({ data, args: ["--static", pages] })
  })

  afterEach(async () => {
    const errors = profiles.flatMap((profile) => profile.errors)
    for (const profile of profiles.splice(0)) await profile.close()
    await server.stop("SIGKILL")
    await rm(data, { recursive: true, force: true })
    expect(errors).toEqual([])
  })

  return {
    server: () => server,
    async open(user, options) {
      const profile = await newProfile(browser, options)
      profiles.push(profile)
      const page = await profile.context.newPage()
      await page.goto(`${server.url}/?user=${user}`)
      return page
    },
  }
}
