/*
 * npm run long-list -- [--messages N] [--only TEXT]
 *
 * Fills a conversation with N messages (100,000), opens the demo on it in Chromium, and scrolls up by the wheel, by keys
 * and with a finger, and at several speeds; from its end to its start, and back; and jumps to its first message from a fresh
 * start. `--only`: of what comes after the fetch that alone whose name holds the text.
 * Prints a table of the tasks that took more than 50 ms. Figures are of this machine and this run.
 */
import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { createClient, createMemoryStorage } from "@weft/sdk/node"
import { demo, newProfile } from "../support/browser.ts"
import { launchChromium } from "../browser/chromium.ts"
import { buildDemo } from "../support/demo-build.ts"
import { endWithUsage, readFlags } from "../support/flags.ts"
import {
  FRAMES_PER_SECOND,
  flingUp,
  longTasksOf,
  scrollUp,
  scrollUpTo,
  wheelUp,
  withTouch,
} from "../support/scroll-through.ts"
import { startServerProcess } from "../support/server-process.ts"

const USAGE = "npm run long-list -- [--messages N]"

const { values } = readFlags(USAGE, {
  options: { messages: { type: "string", default: "100000" }, only: { type: "string", default: "" } },
})
const count = Number(values.messages)
if (!Number.isInteger(count) || count < 1) endWithUsage(USAGE, "messages is a whole number above 0")

const table: Record<string, Record<string, number>> = {}
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
  await tell("fetched by the browser", async () => {
    await demo.conversation(page, "Long").click()
    await newest.waitFor()
    await demo.sync(page).getByText("Up to date").waitFor()
  })
  await time("opened again", async () => {
    await page.reload()
    await newest.waitFor()
  })
  const box = page.getByRole("log", { name: "Messages" })
  // scrolled by the browser's compositor, as a person's wheel is
  await fromEnd(`wheel, ${50 * FRAMES_PER_SECOND} px/s`, () => wheelUp(page, 50, 500))
  await fromEnd(`wheel, ${150 * FRAMES_PER_SECOND} px/s`, () => wheelUp(page, 150, 500))
  await fromEnd("Page Up, 300 times", async () => {
    await box.focus()
    for (let press = 0; press < 300; press++) await page.keyboard.press("PageUp")
  })
  for (const step of [40, 90]) {
    const what = `${step * FRAMES_PER_SECOND} px/s by touch, 20 flings`
    if (!what.includes(values.only)) continue
    await withTouch(page, async (session) => {
      await page.reload()
      await newest.waitFor()
      const before = await box.evaluate(({ scrollTop, scrollHeight }) => scrollHeight - scrollTop)
      await tell(what, () => flingUp(page, session, step, 20))
      const after = await box.evaluate(({ scrollTop, scrollHeight }) => scrollHeight - scrollTop)
      console.log(`  ${Math.round(after - before).toLocaleString("en")} px further up`)
    })
  }
  for (const step of [100, 500]) {
    await fromEnd(`${step} px a frame, 600 frames`, async () => {
      await scrollUp(page, step, 600)
    })
  }
  for (const step of [1_500, 3_000]) {
    await fromEnd(`${step.toLocaleString("en")} px a frame, to the start`, async () => {
      const { frames, mostDrawn } = await scrollUpTo(page, "line 1.", step)
      console.log(`  ${frames} frames, at most ${mostDrawn} messages in the page`)
    })
  }
  if ("back to the end".includes(values.only)) {
    await tell("back to the end", async () => {
      await page.getByRole("button", { name: "Newest messages" }).click()
      await newest.waitFor()
    })
  }
  await fromEnd("to the first day from a fresh start", async () => {
    await page.getByRole("button", { name: "Settings of the conversation" }).click()
    await page.getByRole("menuitem", { name: "Go to a date" }).click()
    const dialog = page.getByRole("dialog", { name: "Go to a date" })
    await dialog.getByLabel("Date").fill("2020-01-01")
    await dialog.getByRole("button", { name: "Go", exact: true }).click()
    await demo.message(page, /^line 1\./).waitFor()
  })
  console.table(table)

  /** From a fresh start, at the newest message. */
  async function fromEnd(what: string, act: () => Promise<void>): Promise<void> {
    if (!what.includes(values.only)) return
    await page.reload()
    await newest.waitFor()
    await demo.sync(page).getByText("Up to date").waitFor()
    await tell(what, act)
  }

  async function tell(what: string, act: () => Promise<void>): Promise<void> {
    const tasks = await longTasksOf(page, () => time(what, act))
    console.log(`  ${tasks.length} long tasks, the longest ${Math.max(0, ...tasks)} ms: ${tasks.join(" ")}`)
    table[what] = {
      "long tasks": tasks.length,
      "longest, ms": Math.max(0, ...tasks),
      "together, ms": tasks.reduce((sum, task) => sum + task, 0),
    }
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
