/* Every main screen, on a desktop and on a phone, in light and in dark: to be read, pressed and left by everybody. */
import { join } from "node:path"
import type { BrowserContextOptions, Locator, Page } from "playwright-core"
import { describe, expect, it } from "vitest"
import { allFindings, demo, hasFocus, phone, tabTo } from "../support/browser.js"
import { useDemoStage } from "../support/demo-stage.js"
import { conversationOf } from "../support/until.js"

const stage = useDemoStage("screens")

/** Folder for pictures to look at; none are taken without. */
const pictures = process.env["WEFT_PICTURES"]

const desktopOptions: BrowserContextOptions = {}
const phoneOptions: BrowserContextOptions = { viewport: phone, hasTouch: true, isMobile: true, deviceScaleFactor: 2 }

interface Furnished {
  /** Of the conversation. */
  readonly id: string
  /** The first message of a thread. */
  readonly root: string
}

/** A conversation of three with something of everything, and a few others beside it. */
async function furnish(): Promise<Furnished> {
  const bob = await stage.device("bob")
  const carol = await stage.device("carol")
  const trip = await bob.createConversation({ title: "Trip to Lisbon", members: ["alice", "carol"] })
  await trip.setRole("alice", "admin")
  await trip.setTopic("Night train on Friday, back on Monday")
  const root = trip.send("**Tickets** are booked: _seats_ `31` and `32`\n> in one row\n- a window\n- an aisle")
  await trip.pin(root.id)
  trip.send("@alice do you bring the map? https://maps.example/lisbon", {
    mentions: [{ start: 0, length: 6, user: "alice" }],
  })
  await root.reached("sent")
  const joined = await conversationOf(carol, trip.id)
  await carol.synced()
  await joined.loadTo(root.id)
  joined.send("Both in one row? 太好了！", { replyTo: root.id })
  joined.send("Window seats, please", { thread: root.id })
  joined.react(root.id, "🎉")
  const wrong = joined.send("We leave at six")
  joined.edit(wrong.id, "We leave at **seven**")
  const erased = joined.send("Never mind")
  await joined.erase(erased.id)
  await joined.send("See you at the station, then. I wait below the clock, as always.").reached("sent")
  const ofAlice = await stage.device("alice")
  const own = await conversationOf(ofAlice, trip.id)
  await ofAlice.synced()
  own.send("@carol I wait `there` too: https://clock.example", { mentions: [{ start: 0, length: 6, user: "carol" }] })
  const direct = await bob.openDirect("alice")
  await direct.send("Just between us: it is her birthday").reached("sent")
  const long = await bob.createConversation({
    title: "A title that is much too long for the list, and for the top of a phone",
    members: ["alice"],
  })
  await long.send("wwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwww").reached("sent")
  return { id: trip.id, root: root.id }
}

const log = (page: Page): Locator => page.getByRole("log").first()

/** The screens that have an address, beside the list; each as the hash that leads to it, and what is there then. */
function screensOf({ id, root }: Furnished): readonly [name: string, hash: string][] {
  return [
    ["conversation", `#/c/${id}`],
    ["thread", `#/c/${id}/t/${root}`],
    ...["details", "invites", "pinned", "date"].map((panel): [string, string] => [panel, `#/c/${id}/${panel}`]),
    ...["new", "join", "search", "account", "keys", "sync"].map((panel): [string, string] => [panel, `#/${panel}`]),
  ]
}

async function open(page: Page, hash: string): Promise<void> {
  await page.evaluate((next) => {
    location.hash = next
  }, hash)
}

const inkOf = (place: Locator): Promise<string> => place.evaluate((element) => getComputedStyle(element).color)

/** Where something is wider than its place, or stands outside of the window. */
async function overflows(page: Page): Promise<string[]> {
  return page.evaluate(() => {
    const width = document.documentElement.clientWidth
    const isShown = (element: Element): boolean => element.checkVisibility({ visibilityProperty: true })
    const boxes = Array.from(
      document.querySelectorAll(".dialog-body, .messages, .conversations, .bar, .composer, body"),
    )
    const wide = boxes.filter((box) => isShown(box) && box.scrollWidth > box.clientWidth + 1)
    const outside = Array.from(document.querySelectorAll("a, button, input, select, textarea")).filter((element) => {
      const { left, right } = element.getBoundingClientRect()
      return isShown(element) && element.closest(".unseen, pre") === null && (left < -1 || right > width + 1)
    })
    return [...wide, ...outside].map((element) => element.outerHTML.slice(0, 120))
  })
}

/** What a finger is to press that is smaller than 44 pixels; what hangs on a message is held to axe's 24. */
async function smallTargets(page: Page): Promise<string[]> {
  return page.evaluate(() => {
    const targets = "a[href], button, select, textarea, summary, label:has(input), input:not(label input)"
    const front = Array.from(document.querySelectorAll("dialog[open]")).at(-1) ?? document.body
    return Array.from(front.querySelectorAll(targets))
      .filter((element) => element.closest("article") === null && element.checkVisibility())
      .filter((element) => {
        const { width, height } = (
          element.closest(".composer-row, .search-field, .chips") ?? element
        ).getBoundingClientRect()
        return Math.min(width, height) < 44
      })
      .map((element) => `${element.getBoundingClientRect().height} ${element.outerHTML.slice(0, 120)}`)
  })
}

const looks = [
  { size: "desktop", language: "en", colorScheme: "light", options: desktopOptions },
  { size: "phone", language: "en", colorScheme: "dark", options: phoneOptions },
  { size: "phone", language: "zh", colorScheme: "light", options: phoneOptions },
] as const

/** Every size, color and language is in one of those above; that they don't depend on one another is for whoever looks. */
const otherLooks = [
  { size: "desktop", language: "en", colorScheme: "dark", options: desktopOptions },
  { size: "phone", language: "en", colorScheme: "light", options: phoneOptions },
] as const

describe("the demo", () => {
  it.each([...looks, ...(pictures === undefined ? [] : otherLooks)])(
    "on a $size, $colorScheme, $language: no screen has findings, or anything outside or too small",
    async ({ size, language, colorScheme, options }) => {
      const page = await stage.open("alice", "", { ...options, colorScheme, locale: language })
      const problems: Record<string, string[]> = {}
      const check = async (name: string): Promise<void> => {
        const found = [...(await allFindings(page)), ...(await overflows(page))]
        if (size === "phone") found.push(...(await smallTargets(page)))
        if (found.length > 0) problems[name] = found
        if (pictures === undefined) return
        await page.screenshot({ path: join(pictures, `${name}-${size}-${colorScheme}-${language}.png`) })
      }
      await page.getByRole("navigation").getByRole("heading").waitFor()
      await check("empty")
      const furnished = await furnish()
      await expect.poll(() => page.getByRole("navigation").getByRole("listitem").count()).toBe(3)
      await check("list")
      for (const [name, hash] of screensOf(furnished)) {
        await open(page, hash)
        const isDialog = !["conversation", "thread"].includes(name)
        await (isDialog ? page.getByRole("dialog") : log(page).getByRole("article").last()).waitFor()
        if (name === "thread") await page.getByRole("complementary").getByRole("article").last().waitFor()
        if (name === "invites") {
          await page.getByRole("dialog").locator("[type=submit]").click()
          await page.getByRole("dialog").getByRole("img").waitFor()
        }
        if (name === "search") {
          await page.getByRole("dialog").getByRole("combobox").first().fill("seats")
          await page.getByRole("option").last().waitFor()
        }
        await check(name)
        if (!isDialog) continue
        await page.keyboard.press("Escape")
        await page.getByRole("dialog").waitFor({ state: "detached" })
      }
      await open(page, `#/c/${furnished.id}`)
      await log(page).getByRole("article").last().locator("[aria-haspopup=menu]").click()
      await page.getByRole("menu").waitFor()
      // axe takes text in the color of its ground for hidden on purpose
      expect(await inkOf(page.getByRole("menu"))).toBe(await inkOf(page.locator("body")))
      await check("menu")
      await page.locator(".menu-emoji button").last().click()
      await page.getByRole("dialog").locator("[data-emoji]").first().waitFor()
      await check("emoji")
      await page.getByRole("dialog").getByRole("textbox").fill("🐙")
      await page.getByRole("dialog").locator("[data-emoji=🐙]").click()
      await page.locator(".reaction .icon").last().click()
      await page.getByRole("dialog").getByRole("listitem").first().waitFor()
      await check("reactors")
      await page.keyboard.press("Escape")
      await page.getByRole("dialog").waitFor({ state: "detached" })
      const field = page.locator(".composer").first().getByRole("textbox")
      await field.pressSequentially("@")
      await page.getByRole("option").first().click()
      await field.pressSequentially("@")
      await page.getByRole("option").first().waitFor()
      await check("names")
      expect(problems).toEqual({})
    },
  )
})

describe("a dialog", () => {
  it("keeps the focus inside, is closed by Escape, and gives the focus back to what opened it", async () => {
    const { id } = await furnish()
    const alice = await stage.open("alice", `#/c/${id}`)
    await demo.message(alice, "See you at the station").waitFor()
    const openers: readonly [opener: Locator, title: string][] = [
      [alice.getByRole("link", { name: /^Account: / }), "Account"],
      [alice.getByRole("link", { name: "Search" }), "Search"],
      [alice.getByRole("link", { name: "New conversation" }), "New conversation"],
      [demo.sync(alice), "Sync"],
      [alice.getByRole("link", { name: /details and members/ }), "Details"],
    ]
    for (const [opener, title] of openers) {
      await tabTo(alice, opener)
      await alice.keyboard.press("Enter")
      const dialog = alice.getByRole("dialog", { name: title })
      await dialog.waitFor()
      const stops = await dialog.locator("a[href], button, input, select, textarea, summary").count()
      for (let press = 0; press <= stops + 1; press++) {
        await alice.keyboard.press("Tab")
        // between the last and the first the browser's own bar has it
        expect(await isInside(dialog), title).toBe(true)
      }
      await alice.keyboard.press("Escape")
      await dialog.waitFor({ state: "detached" })
      await expect.poll(() => hasFocus(opener), { message: title }).toBe(true)
    }
    await alice.keyboard.press("Control+KeyK")
    await expect.poll(() => hasFocus(alice.getByRole("combobox", { name: "Search messages" }))).toBe(true)
  })
})

async function isInside(dialog: Locator): Promise<boolean> {
  return dialog.evaluate(
    (element) => document.activeElement === document.body || element.contains(document.activeElement),
  )
}
