import type { Page } from "playwright-core"

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
