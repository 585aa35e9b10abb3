import * as fc from "fast-check"
import { describe, expect, it } from "vitest"
import { parseText } from "./parse.js"
import { plainText } from "./plain.js"
import { visit } from "./scenario.js"
import type { Block, Inline } from "./tree.js"

/** A short form of a tree, for reading: bold is b(...), a link a[href](...), and so on. */
function show(blocks: readonly Block[]): string {
  return blocks.map(showBlock).join(" | ")
}

function showBlock(block: Block): string {
  switch (block.kind) {
    case "paragraph":
      return block.children.map(showInline).join("")
    case "code-block":
      return `pre:${block.language ?? ""}(${block.children.map(({ text }) => text).join("")})`
    case "quote":
      return `q(${show(block.children)})`
    case "list":
      return `${block.ordered ? `ol${block.start}` : "ul"}(${block.items.map((item) => `li(${show(item)})`).join("")})`
  }
}

function showInline(node: Inline): string {
  switch (node.kind) {
    case "text":
      return node.text
    case "break":
      return "/"
    case "mention":
      return `@[${node.user}](${node.text})`
    case "link":
      return `a[${node.href}]${node.disguised ? "!" : ""}(${node.children.map(showInline).join("")})`
    default:
      return `${{ bold: "b", italic: "i", strikethrough: "s", code: "c" }[node.kind]}(${node.children.map(showInline).join("")})`
  }
}

const parsed = (text: string): string => show(parseText(text))

describe("formatting", () => {
  it.each([
    ["**a** *b* _c_ ~~d~~ `e`", "b(a) i(b) i(c) s(d) c(e)"],
    ["**a *b ~~c~~***", "b(a i(b s(c)))"],
    ["snake_case_name and 2 * 3 * 4", "snake_case_name and 2 * 3 * 4"],
    ["one\ntwo\r\nthree\n\nnext", "one/two/three | next"],
    ["a `b\nc` ``d` e`` `` ` ``", "a c(b c) c(d` e) c(`)"],
    ["```ts\nlet a = `*b*`\n\n  c\n```\nafter", "pre:ts(let a = `*b*`\n\n  c) | after"],
    ["```\nnever closed *a*", "pre:(never closed *a*)"],
    ["> a\n> *b*\nanswer", "q(a/i(b)) | answer"],
    ["> ```\n> a\n> b\n> ```", "q(pre:(a\nb))"],
    ["- a\n  - b\n- c\nafter", "ul(li(a | ul(li(b)))li(c)) | after"],
    ["7. a\n8. b", "ol7(li(a)li(b))"],
    ["\\*a\\* \\`b\\`", "*a* `b`"],
  ])("%j", (text, tree) => {
    expect(parsed(text)).toBe(tree)
  })

  it.each([
    "# a heading",
    "a heading\n---",
    "***",
    "<b>bold</b> <!-- c --> <script>x</script>",
    "&amp; &#42;a&#42;",
    "![alt *a*](http://example.org/a.png)",
    "[a]: http://example.org",
    ">",
    "- ",
    "```",
    "[a](javascript:alert%281%29)",
    "[a](data:text/html,x) [b](/c) [d](//e.org) [f](ftp://g.org)",
    "[a](http://example.org 'b')",
    "[a](https://bank.example@evil.example)",
    "[a](https://exa\u202emple.org) [a](https://exa\u200bmple.org)",
    "[](http://example.org)",
    "javascript:alert(1) xmpp:a@b.c/d",
  ])("%j is literal", (text) => {
    const kinds = new Set<string>()
    for (const block of parseText(text)) {
      if (block.kind === "paragraph") for (const { kind } of block.children) kinds.add(kind)
      else kinds.add(block.kind)
    }
    kinds.delete("break")
    // an address in a text that is literal is still an address, as itself
    if (/example.org$|a.png|xmpp/.test(text)) kinds.delete("link")
    expect(kinds).toEqual(new Set(["text"]))
    expect(plainText(parseText(text))).toBe(text)
  })

  it("[F3] links name where they lead, and say whether their text does", () => {
    expect(parsed("https://a.org/b_c_?d=(e), www.a.org. me@a.org")).toBe(
      "a[https://a.org/b_c_?d=(e)](https://a.org/b_c_?d=(e)), a[https://www.a.org/](www.a.org). a[mailto:me@a.org](me@a.org)",
    )
    expect(parsed("[a.org](https://a.org/) [HTTPS://A.org](https://a.org)")).toBe(
      "a[https://a.org/](a.org) a[https://a.org/](HTTPS://A.org)",
    )
    expect(parsed("[https://a.org](https://b.org) [**here**](mailto:a@b.c)")).toBe(
      "a[https://b.org/]!(https://a.org) a[mailto:a@b.c]!(b(here))",
    )
    expect(parseText("[https://\u0430pple.com](https://\u0430pple.com)")).toMatchObject([
      { children: [{ kind: "link", href: "https://xn--pple-43d.com/", site: "xn--pple-43d.com", disguised: true }] },
    ])
    expect(parsed("[\u202egro.a](https://a.org/)")).toBe("a[https://a.org/]!(\ufffdgro.a)")
    expect(parsed("https://a.org/\u4e2d\u6587")).toContain("](https://a.org/\u4e2d\u6587)")
  })

  it("long addresses with long names in their paths are links", () => {
    const long = `https://a.org/${"e.Y_j-".repeat(200)}?q=1`
    expect(parsed(`see ${long} there`)).toBe(`see a[${long}](${long}) there`)
    const endless = `https://${"a".repeat(256)}.org`
    expect(parsed(endless)).toBe(endless)
  })

  it("[F4] a mention is its range, whatever its letters say", () => {
    const text = "hi @*Bob_ *, **@ann**"
    const mentions = [
      { start: 15, length: 4, user: "ann" },
      { start: 3, length: 7, user: "bob" },
    ]
    expect(text.slice(3, 10)).toBe("@*Bob_ ")
    expect(show(parseText(text, { mentions }))).toBe("hi @[bob](@*Bob_ )*, b(@[ann](@ann))")
    expect(show(parseText("> all: go", { mentions: [{ start: 2, length: 4, user: "" }] }))).toBe("q(@[](all:) go)")
  })

  it("[F4] mentions outside the text, over others, across lines, in halves of letters or in addresses are left out", () => {
    const bad = [
      { start: 5, length: 100, user: "a" },
      { start: -1, length: 2, user: "b" },
      { start: 0.5, length: 1, user: "c" },
      { start: 2, length: 2, user: "d" },
      { start: 4, length: 1, user: "e" },
      { start: 0, length: 2, user: "f" },
      { start: 1, length: 2, user: "g" },
      { start: 0, length: 0, user: "h" },
    ]
    expect(show(parseText("ab\nc\u{1f600}", { mentions: bad }))).toBe("@[f](ab)/c\u{1f600}")
    expect(show(parseText("https://a.org", { mentions: [{ start: 8, length: 1, user: "a" }] }))).toBe(
      "https://@[a](a).org",
    )
  })

  it("plain text is what is read, line by line", () => {
    expect(plainText(parseText("**a** [b](https://c.org)\n> q\n\n3. x\n4. `y`\n- z\n```js\ncode\n```"))).toBe(
      "a b\nq\n3. x\n4. y\n\u2022 z\ncode",
    )
  })
})

const pieces = [
  "*",
  "**",
  "_",
  "~~",
  "`",
  "```",
  "\n",
  "\n\n",
  "> ",
  "- ",
  "1. ",
  "    ",
  " ",
  "\t",
  "[",
  "](",
  ")",
  "!",
  "<",
  ">",
  "\\",
]
const words = [
  "a",
  "bc",
  "\u4e2d\u6587",
  "\u{1f600}",
  "http://a.org",
  "www.b.org/c",
  "d@e.org",
  "javascript:",
  "\u202e",
  "\r\n",
  "\ud800",
  "#",
  "&amp;",
]
const source = fc.array(fc.constantFrom(...pieces, ...words), { maxLength: 60 }).map((parts) => parts.join(""))
const mentions = fc.array(
  fc.record({
    start: fc.integer({ min: -1, max: 60 }),
    length: fc.integer({ min: 0, max: 8 }),
    user: fc.constantFrom("", "bob"),
  }),
  { maxLength: 4 },
)

/** Leaves what only a text may consist of. */
function withoutMarks(text: string): string {
  return text.replace(/[\s*_~`>\-+\\]|\d{1,9}[.)]|\]\(<?(https?:\/\/|mailto:)[^\s)]*>?\)|\[/gi, "")
}

describe("formatting of anything", () => {
  it("[F1, F3] every character is shown, in order, or is a mark of what it made", () => {
    fc.assert(
      fc.property(fc.oneof(source, fc.string({ unit: "binary", maxLength: 200 })), mentions, (text, named) => {
        const shown = new Uint8Array(text.length)
        let last = -1
        let hidden = ""
        visit(parseText(text, { mentions: named }), {
          text: ({ at, text: piece }) => {
            expect(at).toBeGreaterThan(last)
            last = at + piece.length - 1
            expect(last).toBeLessThan(text.length)
            for (let index = 0; index < piece.length; index++) {
              const original = text[at + index]
              if (piece[index] !== original) expect([" ", "\ufffd"]).toContain(piece[index])
              shown[at + index] = 1
            }
          },
          link: ({ href, site }) => {
            expect(href).toMatch(/^(https?:\/\/|mailto:)[^\s]+$/)
            expect(href).toContain(site)
            expect(href).toMatch(/^[\x21-\x7e]+$/)
          },
          hidden: (mark) => (hidden += mark),
        })
        const rest = Array.from({ length: text.length }, (_, at) => (shown[at] === 1 ? "" : (text[at] ?? ""))).join("")
        // beside marks, only what stands behind an opening fence is not among the texts
        expect(withoutMarks(hidden)).toContain(withoutMarks(rest))
      }),
      { numRuns: 3000 },
    )
  })

  it("[F2] is the same every time, and leaves no level beyond the eighth", () => {
    fc.assert(
      fc.property(source, mentions, (text, named) => {
        const tree = parseText(text, { mentions: named })
        expect(parseText(text, { mentions: named.slice().reverse().reverse() })).toEqual(tree)
        let deepest = 0
        visit(tree, { depth: (depth) => (deepest = Math.max(deepest, depth)) })
        expect(deepest).toBeLessThanOrEqual(8)
      }),
      { numRuns: 1000 },
    )
  })
})
