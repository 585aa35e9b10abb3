import { median, withProfile } from "./browser/profile.ts"
import type { Painted } from "./browser/painted.ts"
import type {} from "./browser/naive-page.ts"
import type {} from "./browser/weft-page.ts"
import { figure, type Bench } from "./figure.ts"
import { Historian } from "./history.ts"
import { realTexts } from "./real-text.ts"
import { weft, withServer } from "./system.ts"

const CONVERSATIONS = 1_000
const MESSAGES = 20
const WRITTEN_AT_ONCE = 20
const TIMES = 3

function listWeft(): Promise<Painted> {
  return withServer(weft, async (server) => {
    const historian = await Historian.connect(server.url)
    for (let from = 0; from < CONVERSATIONS; from += WRITTEN_AT_ONCE) {
      const titles = Array.from({ length: WRITTEN_AT_ONCE }, (_, index) => `Conversation ${from + index}`)
      await Promise.all(titles.map((title) => historian.write(title, "reader", MESSAGES)))
    }
    historian.close()
    return withProfile("weft-page.ts", async (profile) => {
      await profile.run((page) =>
        page.evaluate(([url, count]) => window.weftBench.fill("reader", url, count), [
          server.url,
          CONVERSATIONS,
        ] as const),
      )
      const list = (): Promise<Painted> =>
        profile.run((page) => page.evaluate((count) => window.weftBench.list("reader", count), CONVERSATIONS))
      return median(TIMES, list, ({ ms }) => ms)
    })
  })
}

function listNaive(): Promise<Painted> {
  return withProfile("naive-page.ts", async (profile) => {
    const texts = await realTexts(MESSAGES)
    await profile.run((page) =>
      page.evaluate(([count, some]) => window.naive.fillMany(count, some), [CONVERSATIONS, texts] as const),
    )
    const list = (): Promise<Painted> =>
      profile.run((page) => page.evaluate((count) => window.naive.list(count), CONVERSATIONS))
    return median(TIMES, list, ({ ms }) => ms)
  })
}

export const list: Bench = {
  name: "list",
  what: `Chromium, cold: ${CONVERSATIONS} conversations listed with previews and unread counts`,
  exact: false,
  async run(say) {
    const own = await listWeft()
    const naive = await listNaive()
    say(`Weft ${own.ms.toFixed(0)} ms, naive ${naive.ms.toFixed(0)} ms`)
    return figure({
      value: own.ms,
      unit: "ms",
      target: Math.min(150, naive.ms / 5),
      better: "less",
      peers: { "Y.Array of Y.Map in y-indexeddb": naive.ms },
      notes: [
        `target: 150 ms, and a fifth of a Y.Array of Y.Map in y-indexeddb, a database for each conversation`,
        `${MESSAGES} messages in each conversation`,
      ],
    })
  },
}
