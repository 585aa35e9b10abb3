import { Session } from "node:inspector/promises"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import type { parseText as ParseText } from "./parse.js"
import { visit } from "./scenario.js"

/** Shapes that cost some parser the square of their length, or its stack. */
const hostile = {
  "nested quotes": "> ",
  "nested lists": "- ",
  "lists and quotes": "> - 1. ",
  "empty items": "1. \n",
  "items, each with a quote": "- > a\n",
  stars: "*",
  "stars and underlines": "*_",
  "closers without openers": "a_ ",
  "openers without closers": "**a ",
  "closers of other lengths": "**x* ",
  "emphasis within emphasis": "*a **b ",
  strikethrough: "~~a ",
  "brackets that open": "[",
  "brackets that close": "]",
  "links within links": "[a](",
  "empty links": "[]()",
  parentheses: "[a](((((",
  backticks: "`",
  "backticks of all lengths": "`a``b```",
  fences: "```\n",
  "fences in quotes": "> ```\n",
  angles: "[a](<b",
  addresses: "https://a.b/)))",
  "entities in addresses": "https://a.b/&a;&b;",
  schemes: "https://",
  hosts: "www.a.",
  "mail addresses": "a.b@c.d@",
  escapes: "\\*\\",
  "many short lines": "*a\n",
  "long hosts": `https://${"a".repeat(2000)}.b.c `,
  images: "![a](b",
  "just few enough marks": `${"*_".repeat(500)}\n\n`,
  "just few enough links": `${"[a](".repeat(500)}\n\n`,
}

const LENGTH = 64 * 1024
/** Counting is slow. */
const COUNTED = 24 * 1024

const fill = (piece: string, length: number): string => piece.repeat(Math.ceil(length / piece.length)).slice(0, length)

const session = new Session()
let parseText: typeof ParseText

beforeAll(async () => {
  session.connect()
  await session.post("Profiler.enable")
  // before the parser is loaded: V8 counts only in what it compiles from then on
  await session.post("Profiler.startPreciseCoverage", { callCount: true, detailed: true })
  ;({ parseText } = await import("./parse.js"))
  parseText("*warm*\n> up")
})

afterAll(async () => {
  await session.post("Profiler.stopPreciseCoverage")
  session.disconnect()
})

/** How often V8 entered any block of our parser and its library while it parsed `text`. */
async function countSteps(text: string): Promise<number> {
  await session.post("Profiler.takePreciseCoverage")
  parseText(text)
  const { result } = await session.post("Profiler.takePreciseCoverage")
  return result
    .filter(({ url }) => /lezer|\/format\//.test(url))
    .flatMap(({ functions }) => functions.flatMap(({ ranges }) => ranges))
    .reduce((sum, { count }) => sum + count, 0)
}

describe("formatting of hostile texts", () => {
  it.each(Object.entries(hostile))("[F2] %s: 64 KiB, all of it shown, within 8 levels", (_name, piece) => {
    const text = fill(piece, LENGTH)
    let deepest = 0
    let shown = 0
    visit(parseText(text), {
      depth: (depth) => (deepest = Math.max(deepest, depth)),
      text: (node) => (shown += node.text.length),
    })
    expect(deepest).toBeLessThanOrEqual(8)
    expect(shown).toBeGreaterThanOrEqual(text.replace(/[\s*_~`>\-\d.[\]()<\\]/g, "").length / 4)
  })

  it("[F2] twice the text takes about twice the steps", async () => {
    const steps: Record<string, number> = {}
    for (const [name, piece] of Object.entries(hostile)) {
      const once = await countSteps(fill(piece, COUNTED / 2))
      const twice = await countSteps(fill(piece, COUNTED))
      steps[name] = Math.round((10 * twice) / COUNTED) / 10
      // the second addend: what a short parse costs anyhow
      expect({ name, once, twice, isLinear: twice < 2.5 * once + COUNTED }).toMatchObject({ isLinear: true })
    }
    console.log("steps for a character", steps)
  })
})
