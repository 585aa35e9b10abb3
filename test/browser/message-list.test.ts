import type { Conversation } from "@weft/sdk"
import type { Locator, Page } from "playwright-core"
import { describe, expect, it } from "vitest"
import { conversationOf } from "../support/until.ts"
import { demo, desktop, isInView, phone, seriousFindings } from "../support/browser.js"
import { useDemoStage } from "../support/demo-stage.js"
import { scrollUpTo } from "../support/scroll-through.js"

const stage = useDemoStage("message-list")

const DAY = 86_400_000
/** A full segment and more, so that there is something to load. */
const MANY = 1_100

const log = (page: Page): Locator => page.getByRole("log", { name: "Messages" })

async function say(
  conversation: Conversation,
  texts: readonly string[],
  status: "saved" | "sent" = "sent",
): Promise<void> {
  const sent = texts.map((text) => conversation.send(text))
  await sent.at(-1)?.reached(status)
}

const numbered = (count: number): string[] => Array.from({ length: count }, (_, index) => `line ${index + 1}.`)

/** Waits until a message has the focus, as after a jump. */
async function focusOn(message: Locator): Promise<void> {
  await message.and(message.page().locator(":focus")).waitFor()
}

/** Opens the one message that answers. */
async function search(page: Page, text: string): Promise<void> {
  await page.keyboard.press("Control+KeyK")
  const dialog = page.getByRole("dialog", { name: "Search" })
  await dialog.getByRole("combobox", { name: "Search messages" }).fill(text)
  await dialog.getByRole("listbox", { name: "Results" }).getByRole("option").waitFor()
  await page.keyboard.press("Enter")
}

/** As when another tab is shown, which Chromium without a window has no way to. */
async function hide(page: Page, isHidden: boolean): Promise<void> {
  await page.evaluate(
    (state) => {
      Object.defineProperty(document, "visibilityState", { get: () => state, configurable: true })
      document.dispatchEvent(new Event("visibilitychange"))
    },
    isHidden ? "hidden" : "visible",
  )
}

/** Scrolls near the start of the list, and says by how much what is in view there has moved when older messages are there; undefined where none are left. */
function shiftOfWhatIsInView(page: Page): Promise<number | undefined> {
  return log(page).evaluate(async (box) => {
    const frame = (): Promise<unknown> => new Promise((drawn) => requestAnimationFrame(drawn))
    const oldest = (): number => Number(box.querySelector("[aria-posinset]")?.getAttribute("aria-posinset"))
    const isAtStart = (): boolean => box.querySelector("article")?.textContent?.startsWith("line 1.") === true
    // where the list came to rest, before anything older is there: it may come at once
    do {
      box.scrollTop = 100
      await frame()
      await frame()
    } while (oldest() > 100)
    const seen = Array.from(box.querySelectorAll("article")).find(
      (article) => article.getBoundingClientRect().top >= box.getBoundingClientRect().top,
    )
    if (seen === undefined) throw new Error("nothing is in view")
    const [id, top, position] = [seen.dataset.message ?? "", seen.getBoundingClientRect().top, oldest()]
    while (oldest() <= position) {
      if (isAtStart()) return undefined
      await frame()
    }
    await frame()
    await frame()
    const after = box.querySelector(`[data-message="${CSS.escape(id)}"]`)
    return (after?.getBoundingClientRect().top ?? Infinity) - top
  })
}

describe("the list of messages", () => {
  it("leads to the first unread message, in a segment that is not loaded, and draws a line before it", async () => {
    const bob = await stage.device("bob")
    const trip = await bob.createConversation({ title: "Trip", members: ["alice"] })
    await say(trip, numbered(MANY))
    const alice = await stage.open("alice")
    await demo
      .conversation(alice, "Trip")
      .getByText(`, ${MANY.toLocaleString("en")} unread`)
      .waitFor({ state: "attached" })
    // what came in while it was open is loaded: from here on only the newest segment is
    await demo.sync(alice).getByText("Up to date").waitFor()
    await alice.reload()
    await demo.conversation(alice, "Trip").click()
    await demo.message(alice, `line ${MANY}.`).waitFor()
    await alice.getByRole("button", { name: "Jump to the first unread message" }).click()
    const first = demo.message(alice, /^line 1\./)
    await focusOn(first)
    await expect.poll(() => isInView(first)).toBe(true)
    await log(alice).getByText("Unread", { exact: true }).waitFor()
    // of 1,100 messages so many are in the page
    expect(await log(alice).getByRole("article").count()).toBeLessThan(60)
  })

  it("opened by a search hit, leaves what was not seen unread until its end is in view", async () => {
    const bob = await stage.device("bob")
    const trip = await bob.createConversation({ title: "Trip", members: ["alice"] })
    await say(trip, ["the needle", ...numbered(120)])
    const alice = await stage.open("alice")
    const unread = demo.conversation(alice, "Trip").getByText(", 121 unread")
    await unread.waitFor({ state: "attached" })
    await search(alice, "needle")
    await focusOn(demo.message(alice, "the needle"))
    expect(await unread.count()).toBe(1)
    await alice.getByRole("button", { name: "Newest messages" }).click()
    await unread.waitFor({ state: "detached" })
  })

  it("opened by a search hit at its end, is read at once", async () => {
    const bob = await stage.device("bob")
    const trip = await bob.createConversation({ title: "Trip", members: ["alice"] })
    await say(trip, [...numbered(120), "the needle"])
    const alice = await stage.open("alice")
    const unread = demo.conversation(alice, "Trip").getByText(", 121 unread")
    await unread.waitFor({ state: "attached" })
    await search(alice, "needle")
    await focusOn(demo.message(alice, "the needle"))
    await unread.waitFor({ state: "detached" })
  })

  it("what is in view stays where it is when older messages come in", async () => {
    const bob = await stage.device("bob")
    const trip = await bob.createConversation({ title: "Trip", members: ["alice"] })
    await say(trip, numbered(5 * MANY))
    const alice = await stage.open("alice")
    await demo.conversation(alice, "Trip").click()
    await demo.message(alice, `line ${5 * MANY}.`).waitFor()
    await demo.sync(alice).getByText("Up to date").waitFor()
    let shift: number | undefined
    // where all that is older came before the list was at rest there is nothing to see: from the start again
    while (shift === undefined) {
      await alice.reload()
      await demo.message(alice, `line ${5 * MANY}.`).waitFor()
      shift = await shiftOfWhatIsInView(alice)
    }
    expect(Math.abs(shift)).toBeLessThan(2)
  })

  it("is scrolled from its end to its start, through segments that are loaded on the way, with few messages drawn", async () => {
    const bob = await stage.device("bob")
    const trip = await bob.createConversation({ title: "Trip", members: ["alice"] })
    await say(trip, numbered(2 * MANY))
    const alice = await stage.open("alice")
    await demo.conversation(alice, "Trip").click()
    await demo.message(alice, `line ${2 * MANY}.`).waitFor()
    await demo.sync(alice).getByText("Up to date").waitFor()
    await alice.reload()
    await demo.message(alice, `line ${2 * MANY}.`).waitFor()
    const { mostDrawn } = await scrollUpTo(alice, "line 1.", 1_000)
    expect(mostDrawn).toBeLessThan(80)

    // a page that nobody looks at lets go of what was scrolled through, and has it again when somebody does
    await alice.getByRole("button", { name: "Newest messages" }).click()
    await demo.message(alice, `line ${2 * MANY}.`).waitFor()
    const gap = (): Promise<number> => log(alice).evaluate((box) => box.scrollHeight - box.clientHeight - box.scrollTop)
    await expect.poll(gap).toBeLessThan(2)
    const height = (): Promise<number> => log(alice).evaluate((box) => box.scrollHeight)
    const before = await height()
    await hide(alice, true)
    await expect.poll(height).toBeLessThan(before / 2)
    await hide(alice, false)
    expect(await gap()).toBeLessThan(2)
    await demo.message(alice, `line ${2 * MANY}.`).waitFor()
    await scrollUpTo(alice, "line 1.", 1_000)
  })

  it("lets go of a message that is being answered, and has it again when the answer is sent", async () => {
    const bob = await stage.device("bob")
    const trip = await bob.createConversation({ title: "Trip", members: ["alice"] })
    await say(trip, ["the needle", ...numbered(2 * MANY)])
    const alice = await stage.open("alice")
    await demo.conversation(alice, "Trip").click()
    await demo.message(alice, `line ${2 * MANY}.`).waitFor()
    await demo.sync(alice).getByText("Up to date").waitFor()
    await alice.reload()
    await demo.message(alice, `line ${2 * MANY}.`).waitFor()
    await search(alice, "needle")
    const needle = demo.message(alice, "the needle")
    await focusOn(needle)
    await demo.act(alice, needle, "Reply")
    await alice.getByRole("button", { name: "Newest messages" }).click()
    await alice.getByRole("button", { name: "Newest messages" }).waitFor({ state: "detached" })
    const height = (): Promise<number> => log(alice).evaluate((box) => box.scrollHeight)
    const before = await height()
    await hide(alice, true)
    await expect.poll(height).toBeLessThan(before / 2)
    await hide(alice, false)
    await alice.getByRole("button", { name: "Reply to bob the needle" }).waitFor()
    await demo.field(alice).fill("found it")
    // twice, as who sees nothing happen does
    await demo.field(alice).press("Enter")
    await demo.field(alice).press("Enter")
    const answer = demo.message(alice, "found it", "sent")
    await answer.getByRole("button", { name: "In reply to bob the needle" }).waitFor()
    await alice.getByRole("button", { name: "Cancel the reply" }).waitFor({ state: "detached" })
    expect(await answer.count()).toBe(1)
  })

  it("follows whoever scrolls right after a jump, and away from its end", async () => {
    const bob = await stage.device("bob")
    const trip = await bob.createConversation({ title: "Trip", members: ["alice"] })
    await say(trip, numbered(300))
    const alice = await stage.open("alice")
    await demo.conversation(alice, "Trip").click()
    await demo.message(alice, "line 300.").waitFor()
    await log(alice).hover()
    const wheel = async (step: number): Promise<void> => {
      for (let turn = 0; turn < 12; turn++) await alice.mouse.wheel(0, step)
    }
    await alice.getByRole("button", { name: "Jump to the first unread message" }).click()
    await focusOn(demo.message(alice, /^line 1\./))
    await log(alice).hover()
    await wheel(400)
    await expect.poll(() => log(alice).evaluate((box) => box.scrollTop)).toBeGreaterThan(2_000)

    await alice.getByRole("button", { name: "Newest messages" }).click()
    await demo.message(alice, "line 300.").waitFor()
    await log(alice).hover()
    await wheel(-400)
    const gap = (): Promise<number> => log(alice).evaluate((box) => box.scrollHeight - box.clientHeight - box.scrollTop)
    await expect.poll(gap).toBeGreaterThan(2_000)
    const before = await gap()
    await say(trip, ["and one more"])
    await alice.getByRole("button", { name: "1 new message" }).waitFor()
    expect(await gap()).toBeGreaterThanOrEqual(before)
  })

  it("goes to its end for what is written here, and stays for what the user writes elsewhere", async () => {
    const bob = await stage.device("bob")
    const trip = await bob.createConversation({ title: "Trip", members: ["alice"] })
    await say(trip, numbered(120))
    const alice = await stage.open("alice")
    await demo.conversation(alice, "Trip").click()
    await alice.getByRole("button", { name: "Jump to the first unread message" }).click()
    const first = demo.message(alice, /^line 1\./)
    await focusOn(first)
    const laptop = await conversationOf(await stage.device("alice"), trip.id)
    await say(laptop, ["from the laptop"])
    // whoever is elsewhere is told how many came
    await say(trip, ["and one more"])
    await alice.getByRole("button", { name: "1 new message" }).waitFor()
    expect(await isInView(first)).toBe(true)
    await demo.send(alice, "from here")
    await expect.poll(() => demo.message(alice, "from here").count()).toBe(1)
    await expect.poll(() => isInView(demo.message(alice, "from here"))).toBe(true)
  })

  it("leads to a day: to its first message, or the next one after it", async () => {
    const start = new Date(2026, 0, 10, 12).getTime()
    let now = start
    // a server would set the clock right
    const bob = await stage.awayDevice("bob", () => now)
    const trip = await bob.createConversation({ title: "Trip", members: ["alice"] })
    await say(trip, ["on the tenth", ...numbered(60)], "saved")
    now = start + 3 * DAY
    await say(trip, ["on the thirteenth", ...numbered(60)], "saved")
    await stage.connect(bob)
    const alice = await stage.open("alice")
    await demo.conversation(alice, "Trip").click()
    await demo.message(alice, "line 60.").last().waitFor()
    const goTo = async (day: string): Promise<void> => {
      await alice.getByRole("button", { name: "Settings of the conversation" }).click()
      await alice.getByRole("menuitem", { name: "Go to a date" }).click()
      const dialog = alice.getByRole("dialog", { name: "Go to a date" })
      await dialog.getByLabel("Date").fill(day)
      await dialog.getByRole("button", { name: "Go", exact: true }).click()
    }
    await goTo("2026-01-10")
    await focusOn(demo.message(alice, "on the tenth"))
    await goTo("2026-01-11")
    await focusOn(demo.message(alice, "on the thirteenth"))
    await goTo("2026-01-14")
    await alice.getByText("There are no messages from that day on.").waitFor()
  })

  it("tells of messages that arrived late, and leads to them", async () => {
    const carried = await stage.device("bob")
    const onTrain = await carried.createConversation({ title: "Trip", members: ["alice"] })
    await carried.synced()
    carried.goOffline()
    await say(onTrain, ["written on a train", "and in a tunnel"], "saved")
    const written = new Date()

    const atHome = await stage.device("bob")
    await say(await conversationOf(atHome, onTrain.id), numbered(80))
    const alice = await stage.open("alice")
    await demo.conversation(alice, "Trip").click()
    await demo.message(alice, "line 80.").waitFor()
    await demo.conversation(alice, "Trip").getByText("unread").waitFor({ state: "detached" })
    carried.goOnline()
    const day = new Date().toDateString() === written.toDateString() ? "Today" : "Yesterday"
    const note = alice.getByRole("status").filter({ hasText: `2 messages of ${day} arrived late` })
    await note.getByRole("button", { name: "Show" }).click()
    const late = demo.message(alice, "written on a train")
    await focusOn(late)
    await late.getByText("late", { exact: true }).waitFor()
    await note.waitFor({ state: "detached" })
  })

  it("[U15] says that older messages are away while no server gives them, and shows them once one does", async () => {
    const bob = await stage.device("bob")
    const trip = await bob.createConversation({ title: "Trip", members: ["alice"] })
    await say(trip, numbered(2 * MANY))
    const alice = await stage.open("alice", "&keep=100")
    const newest = demo.message(alice, `line ${2 * MANY}.`)
    await demo.conversation(alice, "Trip").click()
    await newest.waitFor()
    await demo.sync(alice).getByText("Up to date").waitFor()
    // a list that begins with the newest segment, read to its end
    await alice.clock.install()
    await alice.reload()
    await newest.waitFor()
    await demo.conversation(alice, "Trip").getByText("unread").waitFor({ state: "detached" })
    const away = async (): Promise<number> => {
      await alice.clock.fastForward(10_000)
      return awaySegments(alice, "alice")
    }
    await expect.poll(away).toBe(2)

    await demo.offline(alice).click()
    const note = alice.getByRole("status").filter({ hasText: "Older messages come when you are online" })
    const toTop = (): Promise<void> =>
      log(alice).evaluate((box) => {
        box.scrollTop = 0
      })
    expect(await note.count()).toBe(0)
    await expect
      .poll(async () => {
        await toTop()
        return note.count()
      })
      .toBe(1)
    expect(await seriousFindings(alice)).toEqual([])
    await alice.setViewportSize(phone)
    await toTop()
    await note.waitFor()
    await alice.setViewportSize(desktop)
    await demo.offline(alice).click()
    await note.waitFor({ state: "detached" })
    await expect
      .poll(async () => {
        await toTop()
        return demo.message(alice, /^line 1\./).count()
      })
      .toBe(1)
  })
})

/** How many segments of a device's conversations are not in IndexedDB. */
function awaySegments(page: Page, user: string): Promise<number> {
  return page.evaluate(
    (name) =>
      new Promise<number>((resolve, reject) => {
        const open = indexedDB.open(name)
        open.onerror = () => reject(open.error ?? new Error("not opened"))
        open.onsuccess = () => {
          const updates = IDBKeyRange.bound("u/", "u0", false, true)
          const read = open.result.transaction("entries").objectStore("entries").getAll(updates)
          read.onsuccess = () => {
            open.result.close()
            resolve(read.result.filter((value: Uint8Array) => value.length === 0).length)
          }
        }
      }),
    `weft/${user}`,
  )
}
