import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import type { Page } from "playwright-core"
import { launchProfile } from "../../browser/chromium.ts"
import { servePage } from "../../browser/serve.ts"

/** Exact numbers of the heap, after a collection. */
const flags = ["--enable-precise-memory-info", "--js-flags=--expose-gc"]

/** A Chromium profile on disk, and a page that is opened in it. */
export interface Profile {
  /** Runs in a Chromium that was just started, and ends it. */
  run<T>(use: (page: Page) => Promise<T>): Promise<T>
}

/** Serves the page of a script of this folder to a new profile; both are gone afterwards. */
export async function withProfile<T>(script: string, use: (profile: Profile) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), "weft-bench-profile-"))
  const served = await servePage(fileURLToPath(new URL(script, import.meta.url)))
  try {
    return await use({
      run: async (work) => {
        const context = await launchProfile(folder, flags)
        try {
          const page = await context.newPage()
          page.setDefaultTimeout(0)
          await page.goto(served.url)
          return await work(page)
        } finally {
          await context.close()
        }
      },
    })
  } finally {
    await served.close()
    await rm(folder, { recursive: true, force: true })
  }
}

/** The middle one of several cold runs. */
export async function median<T>(times: number, run: () => Promise<T>, by: (of: T) => number): Promise<T> {
  const all: T[] = []
  for (let time = 0; time < times; time++) all.push(await run())
  const middle = all.sort((a, b) => by(a) - by(b))[Math.floor(times / 2)]
  if (middle === undefined) throw new Error("no run")
  return middle
}
