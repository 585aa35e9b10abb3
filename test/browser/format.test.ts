import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import type { Browser, Page } from "playwright-core"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { demo, sharedChromium, newProfile, phone, seriousFindings } from "../support/browser.js"
import { buildDemo } from "../support/demo-build.js"
import { startServerProcess, type ServerProcess } from "../support/server-process.js"

let browser: Browser
let server: ServerProcess
let data: string

beforeAll(async () => {
  const pages = await buildDemo()
  browser = await sharedChromium()
  data = await mkdtemp(join(tmpdir(), "weft-format-"))
  server = await startServerProcess({ data, args: ["--static", pages] })
})

afterAll(async () => {
  await server.stop("SIGKILL")
  await rm(data, { recursive: true, force: true })
})

const rich = [
  "The **first** train, _not_ the ~~7:04~~ `7:14`:",
  "> which one?\n> the slow one?",
  "1. Gate 4\n2. Seats\n   - 31\n   - 32",
  "```ts\nconst seats = [31, 32] // a long line that does not fit on a phone's screen, and so is scrolled\n```",
  "[the timetable](https://trains.example/t?line=7), [your bank](https://b\u0430nk.example/login), https://trains.example and <b>no HTML</b> <img src=x onerror=alert(1)>",
].join("\n")

/** Folder for pictures to look at; none are taken without. */
const pictures = process.env["WEFT_PICTURES"]

async function openRich(page: Page, title: string): Promise<void> {
  await page.goto(`${server.url}/?user=alice`)
  await demo.create(page, title, ["bob"])
  for (const text of [rich, "\u8fd9\u662f **\u7c97\u4f53** \u548c *\u659c\u4f53*", "**Tomorrow**, then"])
    await demo.send(page, text)
  await demo.message(page, "Tomorrow", "sent").waitFor()
}

describe("formatted messages in the demo", () => {
  it.each([
    { name: "desktop", size: {}, scheme: "light" },
    { name: "desktop", size: {}, scheme: "dark" },
    { name: "phone", size: { viewport: phone }, scheme: "light" },
    { name: "phone", size: { viewport: phone }, scheme: "dark" },
  ] as const)("are elements, and show where links lead: $name, $scheme", async ({ name, size, scheme }) => {
    const profile = await newProfile(browser, { ...size, colorScheme: scheme })
    const page = await profile.context.newPage()
    await openRich(page, `Trip ${name} ${scheme}`)
    const message = demo.message(page, "first")
    expect(await message.locator("strong").allTextContents()).toEqual(["first"])
    expect(await message.locator("em").allTextContents()).toEqual(["not"])
    expect(await message.locator("s").allTextContents()).toEqual(["7:04"])
    expect(await message.locator("blockquote p").allInnerTexts()).toEqual(["which one?\nthe slow one?"])
    expect(await message.locator("ol > li").count()).toBe(2)
    expect(await message.locator("ol ul > li").allInnerTexts()).toEqual(["31", "32"])
    expect(await message.locator("pre").getAttribute("data-language")).toBe("ts")
    const links = await message
      .locator("a")
      .evaluateAll((all) => all.map((a) => [a.getAttribute("href"), a.getAttribute("rel"), a.getAttribute("target")]))
    const safe = ["noopener noreferrer nofollow", "_blank"]
    expect(links).toEqual([
      ["https://trains.example/t?line=7", ...safe],
      ["https://xn--bnk-6cd.example/login", ...safe],
      ["https://trains.example/", ...safe],
    ])
    expect(await message.locator(".site").allTextContents()).toEqual([" (trains.example)", " (xn--bnk-6cd.example)"])
    expect(await message.locator("img, b").count()).toBe(0)
    expect(await message.textContent()).toContain("<img src=x onerror=alert(1)>")
    const bubble = await message.locator(".bubble").boundingBox()
    expect(bubble!.x + bubble!.width).toBeLessThan(page.viewportSize()!.width)
    expect(bubble!.x).toBeGreaterThan(0)
    expect(await seriousFindings(page)).toEqual([])
    expect(profile.errors).toEqual([])
    if (pictures !== undefined) await page.screenshot({ path: join(pictures, `format-${name}-${scheme}.png`) })
    await profile.close()
  })
})
