import { median, withProfile } from "./browser/profile.ts"
import type { Painted } from "./browser/painted.ts"
import type {} from "./browser/naive-page.ts"
import type {} from "./browser/weft-page.ts"
import { figure, type Bench } from "./figure.ts"
import { Historian } from "./history.ts"
import { realTexts } from "./real-text.ts"
import { weft, withServer } from "./system.ts"

const SHOWN = 50
const SMALL = 1_000
/** Preparing the million of the target takes many minutes: WEFT_BENCH_MESSAGES=1000000 asks for it. */
const LARGE = Number(process.env["WEFT_BENCH_MESSAGES"] ?? 100_000)
const TIMES = 5

/** Cold starts of Chromium with a conversation of this size on disk. */
function openWeft(messages: number): Promise<Painted> {
  return withServer(weft, async (server) => {
    const historian = await Historian.connect(server.url)
    const id = await historian.write("History", "reader", messages)
    historian.close()
    return withProfile("weft-page.ts", async (profile) => {
      await profile.run((page) => page.evaluate((url) => window.weftBench.fill("reader", url, 1), server.url))
      const open = (): Promise<Painted> =>
        profile.run((page) =>
          page.evaluate(([room, shown]) => window.weftBench.open("reader", room, shown), [id, SHOWN] as const),
        )
      return median(TIMES, open, ({ ms }) => ms)
    })
  })
}

function openNaive(messages: number): Promise<Painted> {
  return withProfile("naive-page.ts", async (profile) => {
    const texts = await realTexts(1_000)
    await profile.run((page) =>
      page.evaluate(([some, count]) => window.naive.fill("history", some, count), [texts, messages] as const),
    )
    const open = (): Promise<Painted> =>
      profile.run((page) => page.evaluate((shown) => window.naive.open("history", shown), SHOWN))
    return median(3, open, ({ ms }) => ms)
  })
}

const megabytes = (bytes: number): string => `${(bytes / 1024 / 1024).toFixed(1)} MB of heap`

export const open: Bench = {
  name: "open",
  what: `Chromium, cold: newest ${SHOWN} painted, of ${LARGE} messages in a conversation, in what ${SMALL} take`,
  exact: false,
  async run(say) {
    const small = await openWeft(SMALL)
    const large = await openWeft(LARGE)
    say(`${SMALL}: ${small.ms.toFixed(0)} ms; ${LARGE}: ${large.ms.toFixed(0)} ms`)
    return figure({
      value: large.ms / small.ms,
      unit: "x",
      target: 1.3,
      better: "less",
      limit: 1,
      notes: [
        `${SMALL} messages ${small.ms.toFixed(0)} ms, ${megabytes(small.heapBytes)}`,
        `${LARGE} messages ${large.ms.toFixed(0)} ms, ${megabytes(large.heapBytes)}`,
        "a new Chromium each time, from opening the database; the machine's file cache is warm",
      ],
    })
  },
}

export const openVersusNaive: Bench = {
  name: "open-vs-naive",
  what: `the same of ${LARGE} messages: how much sooner than a Y.Array of Y.Map in y-indexeddb`,
  exact: false,
  async run(say) {
    const own = await openWeft(LARGE)
    const naive = await openNaive(LARGE)
    say(`Weft ${own.ms.toFixed(0)} ms, naive ${naive.ms.toFixed(0)} ms`)
    const heap = naive.heapBytes / own.heapBytes
    return figure({
      value: naive.ms / own.ms,
      unit: "x",
      target: 20,
      better: "more",
      peers: { "Y.Array of Y.Map": 1 },
      notes: [
        `Weft ${own.ms.toFixed(0)} ms, ${megabytes(own.heapBytes)}`,
        `Y.Array of Y.Map ${naive.ms.toFixed(0)} ms, ${megabytes(naive.heapBytes)}: ${heap.toFixed(1)} x (at least 20)`,
        "Y.Array of Y.Map: nothing is verified, or durable before the next turn",
      ],
    })
  },
}
