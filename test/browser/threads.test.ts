/* Threads: what stands in them is read, answered and edited in their panel, and nowhere else. */
import type { MessageId } from "@weft/sdk"
import type { Locator, Page } from "playwright-core"
import { describe, expect, it } from "vitest"
import { demo, hasFocus, isInView, phone, seriousFindings, tabTo } from "../support/browser.js"
import { useDemoStage } from "../support/demo-stage.js"
import { conversationOf } from "../support/until.js"

const stage = useDemoStage("threads")

const inThread = (page: Page, text: string): Locator => demo.thread(page).getByRole("article").filter({ hasText: text })
const field = (page: Page): Locator => demo.thread(page).getByRole("textbox", { name: "Reply in thread" })
const link = (page: Page, root: string): Locator =>
  demo.message(page, root).getByRole("button", { name: /^\d+ repl(y|ies)/ })

async function answer(page: Page, text: string): Promise<void> {
  await field(page).fill(text)
  await field(page).press("Enter")
  await inThread(page, text).waitFor()
}

interface Told {
  readonly id: string
  /** Of the message that the thread stands below. */
  readonly root: MessageId
  readonly answers: readonly MessageId[]
}

/** Bob asks, and carol answers in a thread; alice has both to read. */
async function tellAll(answers: readonly string[]): Promise<Told> {
  const bob = await stage.device("bob")
  const carol = await stage.device("carol")
  const trip = await bob.createConversation({ title: "Trip", members: ["alice", "carol"] })
  const root = trip.send("Who sits where?")
  await root.reached("sent")
  const joined = await conversationOf(carol, trip.id)
  await carol.synced()
  await joined.loadTo(root.id)
  const said = answers.map((text) => joined.send(text, { thread: root.id }))
  await said.at(-1)?.reached("sent")
  return { id: trip.id, root: root.id, answers: said.map(({ id }) => id) }
}

describe("a thread", () => {
  it("does not stand in the main list: its first message says how many answered, who, and what is unread", async () => {
    await tellAll(["By the window", "Next to bob"])
    const alice = await stage.open("alice")
    await demo.conversation(alice, "Trip").getByText(", 3 unread").waitFor({ state: "attached" })
    await demo.conversation(alice, "Trip").click()
    await link(alice, "Who sits where?")
      .and(alice.getByRole("button", { name: /^2 replies , carol, .* , 2 unread$/ }))
      .waitFor()
    expect(await demo.message(alice, "By the window").count()).toBe(0)
    await demo.conversation(alice, "Trip").getByText(", 2 unread").waitFor({ state: "attached" })

    // wherever its first message stands, there is a way to what is unread
    await alice.getByRole("button", { name: "2 unread messages in threads" }).click()
    await expect.poll(() => hasFocus(inThread(alice, "By the window"))).toBe(true)
    await demo.thread(alice).getByText("Unread", { exact: true }).waitFor()
    await demo.conversation(alice, "Trip").getByText("unread").waitFor({ state: "detached" })
    await alice.getByRole("button", { name: "2 unread messages in threads" }).waitFor({ state: "detached" })
    await alice.keyboard.press("Escape")
    await demo.thread(alice).waitFor({ state: "detached" })
    await expect.poll(() => hasFocus(link(alice, "Who sits where?"))).toBe(true)
  })

  it("tells who answered in it that this was read, once the thread was", async () => {
    const away = await stage.device("bob")
    const trip = await away.createConversation({ title: "Trip", members: ["alice"] })
    const root = trip.send("Who sits where?")
    await root.reached("sent")
    const bob = await stage.open("bob", `#/c/${trip.id}/t/${root.id}`)
    await answer(bob, "By the window")
    const own = (status: string): Locator =>
      inThread(bob, "By the window").and(bob.getByRole("article", { name: new RegExp(`, ${status}$`) }))
    const alice = await stage.open("alice", `#/c/${trip.id}`)
    // what stands around the thread is on alice's screen, and read
    await demo
      .message(bob, "Who sits where?")
      .and(bob.getByRole("article", { name: /, read$/ }))
      .waitFor()
    await own("delivered").waitFor()
    await link(alice, "Who sits where?").click()
    await own("read").waitFor()
  })

  it("is opened at its message by a search hit and by a pin", async () => {
    const { id, answers } = await tellAll(["By the window", "Next to bob"])
    const bob = await stage.device("bob")
    const trip = await conversationOf(bob, id)
    await bob.synced()
    await trip.loadTo(answers[1]!)
    await trip.pin(answers[1]!)
    const alice = await stage.open("alice", `#/c/${id}`)
    await link(alice, "Who sits where?").waitFor()
    await alice.keyboard.press("Control+KeyK")
    await alice.getByRole("combobox", { name: "Search messages" }).fill("window")
    await alice.getByRole("option").filter({ hasText: "By the window" }).click()
    await expect.poll(() => hasFocus(inThread(alice, "By the window"))).toBe(true)

    await alice.getByRole("button", { name: "Close the thread" }).click()
    await alice.evaluate((hash) => {
      location.hash = hash
    }, `#/c/${id}/pinned`)
    await alice.getByRole("dialog").getByRole("button", { name: "Next to bob" }).click()
    await expect.poll(() => hasFocus(inThread(alice, "Next to bob"))).toBe(true)
  })

  it("opened at a search hit, leaves what was not seen of it unread until its end is in view", async () => {
    await tellAll(["By the window", ...Array.from({ length: 60 }, (_, index) => `answer ${index + 1}`)])
    const alice = await stage.open("alice")
    await demo.conversation(alice, "Trip").getByText(", 62 unread").waitFor({ state: "attached" })
    await alice.keyboard.press("Control+KeyK")
    await alice.getByRole("combobox", { name: "Search messages" }).fill("window")
    await alice.getByRole("option").filter({ hasText: "By the window" }).click()
    await expect.poll(() => hasFocus(inThread(alice, "By the window"))).toBe(true)
    // the message around it is on screen, and read
    const unread = demo.conversation(alice, "Trip").getByText(", 61 unread")
    await unread.waitFor({ state: "attached" })
    await alice.keyboard.press("End")
    await unread.waitFor({ state: "detached" })
  })

  it("goes to its end for what is written here, and stays for what the user writes elsewhere", async () => {
    const { id, root } = await tellAll(Array.from({ length: 60 }, (_, index) => `answer ${index + 1}.`))
    const alice = await stage.open("alice", `#/c/${id}/t/${root}`)
    await inThread(alice, "answer 60.").waitFor()
    await demo.conversation(alice, "Trip").getByText("unread").waitFor({ state: "detached" })
    const log = demo.thread(alice).getByRole("log")
    await log.evaluate((box) => {
      box.scrollTop = 0
    })
    const first = inThread(alice, "answer 1.")
    await expect.poll(() => isInView(first)).toBe(true)
    const device = await stage.device("alice")
    const laptop = await conversationOf(device, id)
    await device.synced()
    await laptop.loadTo(root)
    await laptop.send("from the laptop", { thread: root }).reached("sent")
    await inThread(alice, "from the laptop").waitFor({ state: "attached" })
    expect(await isInView(first)).toBe(true)
    await answer(alice, "from here")
    await expect.poll(() => isInView(inThread(alice, "from here"))).toBe(true)
  })

  it("has messages that came late: they are told, with a way to them", async () => {
    const carried = await stage.device("bob")
    const trip = await carried.createConversation({ title: "Trip", members: ["alice"] })
    const root = trip.send("Who sits where?")
    await root.reached("sent")
    const atHome = await stage.device("bob")
    const other = await conversationOf(atHome, trip.id)
    await atHome.synced()
    await other.loadTo(root.id)
    carried.goOffline()
    await trip.send("Written on a train", { thread: root.id }).reached("saved")
    // what two devices say in one millisecond is in any order
    const savedAt = Date.now()
    await expect.poll(() => Date.now()).toBeGreaterThan(savedAt)
    await other.send("By the window", { thread: root.id }).reached("sent")
    const laptop = await conversationOf(await stage.device("alice"), trip.id)
    const unreadAnswers = (): number | undefined => laptop.unread.get().threads.get(root.id)?.count
    await expect.poll(unreadAnswers).toBe(1)
    const alice = await stage.open("alice", `#/c/${trip.id}/t/${root.id}`)
    // what comes in below is late only once this was read
    await expect.poll(unreadAnswers).toBe(undefined)
    await alice.getByRole("button", { name: "Close the thread" }).click()

    carried.goOnline()
    const note = alice.getByRole("status").filter({ hasText: "1 late message arrived in a thread" })
    await note.getByRole("button", { name: "Show" }).click()
    const late = inThread(alice, "Written on a train")
    await expect.poll(() => hasFocus(late)).toBe(true)
    await late.getByText("late", { exact: true }).waitFor()
    await note.waitFor({ state: "detached" })
    await demo.conversation(alice, "Trip").getByText("unread").waitFor({ state: "detached" })
  })

  it("what is marked as unread in its panel stays so until the thread is opened again", async () => {
    const { id, root, answers } = await tellAll(["By the window", "Next to bob"])
    const laptop = await conversationOf(await stage.device("alice"), id)
    await expect.poll(() => laptop.unread.get().threads.get(root)?.count).toBe(2)
    const alice = await stage.open("alice", `#/c/${id}/t/${root}`)
    await inThread(alice, "Next to bob").waitFor()
    await expect.poll(() => laptop.unread.get().threads.size).toBe(0)
    // on another device, while it is open here
    laptop.markUnread(answers[0]!)
    await demo.conversation(alice, "Trip").getByText(", 2 unread").waitFor({ state: "attached" })
    await demo.act(alice, inThread(alice, "Next to bob"), "Mark unread from here")
    await demo.conversation(alice, "Trip").getByText(", 1 unread").waitFor({ state: "attached" })
    await demo.thread(alice).getByText("Unread", { exact: true }).waitFor()
    await alice.getByRole("button", { name: "Close the thread" }).click()
    await link(alice, "Who sits where?")
      .and(alice.getByRole("button", { name: /, 1 unread$/ }))
      .click()
    await demo.conversation(alice, "Trip").getByText("unread").waitFor({ state: "detached" })
  })
})

describe("the panel of a thread that covers the conversation", () => {
  it("takes the focus, keeps what is behind it from keys and screen readers, and from being read", async () => {
    const { id, root } = await tellAll(["By the window"])
    const laptop = await conversationOf(await stage.device("alice"), id)
    const alice = await stage.open("alice", `#/c/${id}`, { viewport: phone, hasTouch: true, isMobile: true })
    await expect.poll(() => laptop.unread.get().count).toBe(0)
    await link(alice, "Who sits where?").press("Enter")
    await expect.poll(() => hasFocus(demo.thread(alice))).toBe(true)
    expect(await demo.field(alice).count()).toBe(0)
    expect(await alice.getByRole("log", { name: "Messages", exact: true }).count()).toBe(0)
    await tabTo(alice, field(alice))
    await alice.keyboard.type("The aisle, then")
    await alice.keyboard.press("Enter")
    await inThread(alice, "The aisle, then").waitFor()

    const bob = await conversationOf(await stage.device("bob"), id)
    const news = bob.send("Who brings the map?")
    await news.reached("delivered")
    await expect.poll(() => laptop.unread.get().count).toBe(1)
    // told, though not shown
    await expect.poll(() => alice.locator("[data-news]").textContent()).toBe("bob: Who brings the map?")
    expect(await alice.locator("[data-news]").isVisible()).toBe(true)
    // an answer goes to its readers behind it: were that read by now, it would be too
    await answer(alice, "Or not")
    await expect.poll(() => bob.thread(root).get().items.length).toBe(3)
    expect([laptop.unread.get().count, news.status]).toEqual([1, "delivered"])
    await alice.keyboard.press("Escape")
    await expect.poll(() => hasFocus(link(alice, "Who sits where?"))).toBe(true)
    await expect.poll(() => laptop.unread.get().count).toBe(0)
  })
})

describe.each([
  ["a desktop", {}],
  ["a phone", { viewport: phone, hasTouch: true, isMobile: true }],
] as const)("the panel of a thread, on %s", (_, options) => {
  it("answers, quotes and edits in the panel, and leaves the main composer alone", async () => {
    const { id, root } = await tellAll(["By the window"])
    const alice = await stage.open("alice", `#/c/${id}/t/${root}`, options)
    await demo.act(alice, inThread(alice, "By the window"), "Reply")
    await demo.thread(alice).getByText("Reply to carol").waitFor()
    await expect.poll(() => hasFocus(field(alice))).toBe(true)
    await alice.keyboard.type("Then I take the aisle")
    await alice.keyboard.press("Enter")
    const own = inThread(alice, "Then I take the aisle")
    await own.getByRole("button", { name: "In reply to carol By the window" }).click()
    await expect.poll(() => hasFocus(inThread(alice, "By the window").first())).toBe(true)

    await demo.act(alice, own, "Edit")
    const edit = demo.thread(alice).getByRole("textbox", { name: "Edit message" })
    await expect.poll(() => hasFocus(edit)).toBe(true)
    expect(await alice.getByRole("textbox", { name: "Edit message" }).count()).toBe(1)
    await edit.fill("Then I take the middle")
    await alice.keyboard.press("Enter")
    await inThread(alice, "Then I take the middle").getByText("edited").waitFor()
    await field(alice).press("ArrowUp")
    expect(await edit.inputValue()).toBe("Then I take the middle")
    await alice.keyboard.press("Escape")
    await edit.waitFor({ state: "detached" })
    await answer(alice, "Done")
    expect(await seriousFindings(alice)).toEqual([])
    await alice.getByRole("button", { name: "Close the thread" }).click()
    await link(alice, "Who sits where?")
      .and(alice.getByRole("button", { name: /^3 replies/ }))
      .waitFor()
    expect(await demo.message(alice, "Then I take").count()).toBe(0)
  })
})
