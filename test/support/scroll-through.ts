import type { CDPSession, Page } from "playwright-core"
import { phone } from "./browser.js"

/** How scrolling through a list went. */
export interface Scrolled {
  readonly frames: number
  /** Most messages that were in the page at once. */
  readonly mostDrawn: number
}

/** Scrolls the list of messages up, `step` pixels a frame, until a message with this text is in the page. */
export function scrollUpTo(page: Page, text: string, step: number): Promise<Scrolled> {
  return page.getByRole("log", { name: "Messages" }).evaluate(
    async (box, [wanted, pixels]) => {
      let [frames, mostDrawn] = [0, 0]
      for (;;) {
        const articles = Array.from(box.querySelectorAll("article"))
        mostDrawn = Math.max(mostDrawn, articles.length)
        if (articles.some((article) => article.querySelector(".text")?.textContent === wanted)) break
        box.scrollTop -= pixels
        frames++
        await new Promise((drawn) => requestAnimationFrame(drawn))
      }
      return { frames, mostDrawn }
    },
    [text, step] as const,
  )
}

/** Scrolls it up, `step` pixels a frame, for so many frames. */
export async function scrollUp(page: Page, step: number, frames: number): Promise<void> {
  await page.getByRole("log", { name: "Messages" }).evaluate(
    async (box, [pixels, count]) => {
      for (let frame = 0; frame < count; frame++) {
        box.scrollTop -= pixels
        await new Promise((drawn) => requestAnimationFrame(drawn))
      }
    },
    [step, frames] as const,
  )
}

/** Of a browser that keeps up. */
export const FRAMES_PER_SECOND = 60

/** Scrolls it up by the wheel: `step` pixels in a sixtieth of a second, for so many of those. */
export async function wheelUp(page: Page, step: number, frames: number): Promise<void> {
  const log = page.getByRole("log", { name: "Messages" })
  const box = await log.boundingBox()
  if (box === null) throw new Error("the list of messages is not in view")
  const session = await page.context().newCDPSession(page)
  await session.send("Input.synthesizeScrollGesture", {
    x: box.x + box.width / 2,
    y: box.y + box.height / 2,
    yDistance: step * frames,
    speed: step * FRAMES_PER_SECOND,
    gestureSourceType: "mouse",
  })
  await session.detach()
  // a gesture that nothing took is no measurement
  await page.getByRole("button", { name: "Newest messages" }).waitFor()
}

/** Touches the page as a phone's user would, until that is ended. */
export async function withTouch(page: Page, act: (session: CDPSession) => Promise<void>): Promise<void> {
  const session = await page.context().newCDPSession(page)
  await session.send("Emulation.setDeviceMetricsOverride", { ...phone, deviceScaleFactor: 2, mobile: true })
  await session.send("Emulation.setTouchEmulationEnabled", { enabled: true, maxTouchPoints: 1 })
  await act(session)
  await session.send("Emulation.setTouchEmulationEnabled", { enabled: false })
  await session.send("Emulation.clearDeviceMetricsOverride")
  await session.detach()
}

/** Flings the list up with a finger, so many times: `step` pixels in a sixtieth of a second, seven times, and let go. */
export async function flingUp(page: Page, session: CDPSession, step: number, times: number): Promise<void> {
  const box = await page.getByRole("log", { name: "Messages" }).boundingBox()
  if (box === null) throw new Error("the list of messages is not in view")
  const x = box.x + box.width / 2
  for (let fling = 0; fling < times; fling++) {
    // By what they say of the time, not by when they come: this process may be held up.
    const start = Date.now() / 1_000
    const touch = (type: "touchStart" | "touchMove" | "touchEnd", frame: number): Promise<unknown> =>
      session.send("Input.dispatchTouchEvent", {
        type,
        touchPoints: type === "touchEnd" ? [] : [{ x, y: box.y + 40 + step * frame }],
        timestamp: start + frame / FRAMES_PER_SECOND,
      })
    await touch("touchStart", 0)
    for (let frame = 1; frame <= 7; frame++) {
      await page.waitForTimeout(1_000 / FRAMES_PER_SECOND)
      await touch("touchMove", frame)
    }
    await touch("touchEnd", 7)
    // the list runs on by itself when the finger comes back
    await page.waitForTimeout(300)
  }
}

/** Milliseconds of each task that took more than 50 while `act` ran. */
export async function longTasksOf(page: Page, act: () => Promise<void>): Promise<readonly number[]> {
  const observed = await page.evaluateHandle(() => {
    const durations: number[] = []
    const observer = new PerformanceObserver((entries) => {
      for (const { duration } of entries.getEntries()) durations.push(Math.round(duration))
    })
    observer.observe({ type: "longtask" })
    return { observer, durations }
  })
  await act()
  return observed.evaluate(({ observer, durations }) => {
    observer.disconnect()
    return durations
  })
}
