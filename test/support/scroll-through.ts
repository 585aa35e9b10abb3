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
