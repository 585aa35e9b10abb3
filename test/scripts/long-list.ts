/*
 * npm run long-list -- [--messages N]
 *
 * Fills a conversation with N messages (100,000), opens the demo on it in Chromium, scrolls from its end to its start, back,
 * and jumps to its first message from a fresh start. Prints the tasks that took more than 50 ms, and how many messages were
 * in the page. Figures are of this machine and this run.
 */
import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { parseArgs } from "node:util"
import { createClient, createMemoryStorage } from "@weft/sdk/node"
import { demo, newProfile } from "../support/browser.ts"
import { launchChromium } from "../browser/chromium.ts"
import { buildDemo } from "../support/demo-build.ts"
import { longTasksOf, scrollUpTo } from "../support/scroll-through.ts"
import { startServerProcess } from "../support/server-process.ts"

const { values } = parseArgs({ options: { messages: { type: "string", default: "100000" } } })
const count = Number(values.messages)
if (!Number.isInteger(count) || count < 1) {
  console.error("usage: npm run long-list -- [--messages N]")
  process.exit(2)
}

const data = await mkdtemp(join(tmpdir(), "weft-long-list-"))
const unlimited = ["--limit-entries-per-second", "1000000", "--limit-entry-burst", "1000000"]
const server = await startServerProcess({ data, args: ["--static", await buildDemo(), ...unlimited] })
const browser = await launchChromium()
try {
  const servers = [server.url.replace("http", "ws")]
  const bob = await createClient({ user: "bob", servers, storage: createMemoryStorage() })
  const trip = await bob.createConversation({ title: "Long", members: ["alice"] })
  await time("written and sent", async () => {
    for (let number = 1; number < count; number++) {
      const message = trip.send(`line ${number}.`)
      if (number % 1_000 === 0) await message.reached("saved")
    }
    await trip.send(`line ${count}.`).reached("sent")
  })
  await bob.close()

  const profile = await newProfile(browser)
  const page = await profile.context.newPage()
  page.setDefaultTimeout(600_000)
  await page.goto(`${server.url}/?user=alice`)
  const newest = demo.message(page, `line ${count}.`)
  await time("fetched by the browser", async () => {
    await demo.conversation(page, "Long").click()
    await newest.waitFor()
    await demo.sync(page).getByText("Up to date").waitFor()
  })
  await time("opened again", async () => {
    await page.reload()
    await newest.waitFor()
  })
  await tell("scrolled to the start", async () => {
    const { frames, mostDrawn } = await scrollUpTo(page, "line 1.", 3_000)
    console.log(`  ${frames} frames, at most ${mostDrawn} messages in the page`)
  })
  await tell("back to the end", async () => {
    await page.getByRole("button", { name: "Newest messages" }).click()
    await newest.waitFor()
  })
  await page.reload()
  await newest.waitFor()
  await tell("to the first day from a fresh start", async () => {
    await page.getByRole("button", { name: "Settings of the conversation" }).click()
    await page.getByRole("menuitem", { name: "Go to a date" }).click()
    const dialog = page.getByRole("dialog", { name: "Go to a date" })
    await dialog.getByLabel("Date").fill("2020-01-01")
    await dialog.getByRole("button", { name: "Go", exact: true }).click()
    await demo.message(page, /^line 1\./).waitFor()
  })

  async function tell(what: string, act: () => Promise<void>): Promise<void> {
    const tasks = await longTasksOf(page, () => time(what, act))
    console.log(`  ${tasks.length} long tasks, the longest ${Math.max(0, ...tasks)} ms: ${tasks.join(" ")}`)
  }
} finally {
  await browser.close()
  await server.stop("SIGKILL")
  await rm(data, { recursive: true, force: true })
}

async function time(what: string, act: () => Promise<void>): Promise<void> {
  const start = performance.now()
  await act()
  console.log(`${what}: ${((performance.now() - start) / 1_000).toFixed(1)} s`)
}
