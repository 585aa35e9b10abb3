import type { SyntaxNode } from "@lezer/common"
import { Autolink, type Line, parser as commonMark, Strikethrough } from "@lezer/markdown"
import { neutralizeDirection } from "./invisible.js"
import { MAX_DEPTH, maskText } from "./mask.js"
import { isDisguised, readBareTarget, readTarget, type Target } from "./target.js"
import type { Block, CodeBlock, Emphasis, Inline, List, MentionRange, Text } from "./tree.js"

/**
 * CommonMark as chats have it: no headings, no HTML, no references, no indented code, no rules; and a line that does not go
 * on with a quote or list ends it.
 */
const parser = commonMark.configure([
  Autolink,
  Strikethrough,
  { remove: ["ATXHeading", "SetextHeading", "HTMLBlock", "HTMLTag", "LinkReference", "HorizontalRule", "Entity"] },
  { remove: ["IndentedCode"] },
  { parseBlock: [{ name: "NotLazy", endLeaf: (context, line) => depthOf(line) < context.depth }] },
])

/** How many of the open quotes and lists a line goes on with. The library keeps it on the line, but not in its types. */
function depthOf(line: Line): number {
  return (line as Line & { readonly depth: number }).depth
}

/** What is known of a text beside its letters. */
export interface ParseOptions {
  /** Who is named where. What lies outside the text, across lines, or over another mention is left out. */
  readonly mentions?: readonly MentionRange[]
}

/**
 * What a message's text says, as a tree: never HTML, at most 8 levels deep, and in time that grows with the text's length.
 * Every character of the text is in the tree or is one of the marks that made it. The same text gives the same tree.
 */
export function parseText(text: string, { mentions = [] }: ParseOptions = {}): Block[] {
  const named = validMentions(text, mentions)
  const blocks = new Reader(text, named).blocks(parser.parse(maskText(text, named)).topNode, 0)
  if (blocks.some(isVisible) || text.trim() === "") return blocks
  // Marks around nothing are what was meant: a message of one ">" says just that.
  return [{ kind: "paragraph", children: new Reader(text, named).literal(0, text.length) }]
}

function validMentions(text: string, mentions: readonly MentionRange[]): MentionRange[] {
  const valid: MentionRange[] = []
  let end = 0
  for (const mention of mentions.slice().sort((a, b) => a.start - b.start)) {
    const { start, length } = mention
    const isRange = Number.isSafeInteger(start) && Number.isSafeInteger(length) && length > 0
    if (!isRange || start < end || start + length > text.length) continue
    if (/[\r\n]|^[\udc00-\udfff]|[\ud800-\udbff]$/.test(text.slice(start, start + length))) continue
    valid.push(mention)
    end = start + length
  }
  return valid
}

function isVisible(block: Block): boolean {
  switch (block.kind) {
    case "paragraph":
    case "code-block":
      return block.children.length > 0
    case "quote":
      return block.children.some(isVisible)
    case "list":
      return block.items.some((item) => item.some(isVisible))
  }
}

const emphases: Partial<Record<string, Emphasis["kind"]>> = {
  StrongEmphasis: "bold",
  Emphasis: "italic",
  Strikethrough: "strikethrough",
}

/** Turns the parser's tree of positions into ours, with the source's characters. */
class Reader {
  constructor(
    private readonly source: string,
    private readonly mentions: readonly MentionRange[],
  ) {}

  blocks(parent: SyntaxNode, depth: number): Block[] {
    const blocks: Block[] = []
    for (let node = parent.firstChild; node !== null; node = node.nextSibling) {
      const block = this.block(node, depth)
      if (block !== undefined) blocks.push(block)
    }
    return blocks
  }

  private block(node: SyntaxNode, depth: number): Block | undefined {
    switch (node.name) {
      case "Paragraph":
        return { kind: "paragraph", children: this.inlines(node, depth, new Inlines()) }
      case "FencedCode":
        return this.codeBlock(node)
      case "QuoteMark":
      case "ListMark":
        return undefined
      case "Blockquote":
        if (depth < MAX_DEPTH) return { kind: "quote", children: this.blocks(node, depth + 1) }
        break
      case "BulletList":
      case "OrderedList":
        if (depth < MAX_DEPTH) return this.list(node, depth + 1)
    }
    return { kind: "paragraph", children: this.literal(node.from, node.to) }
  }

  private list(node: SyntaxNode, depth: number): List {
    const items = node.getChildren("ListItem")
    const mark = items[0]?.getChild("ListMark")
    const start = mark ? Number.parseInt(this.source.slice(mark.from, mark.to), 10) : Number.NaN
    return {
      kind: "list",
      ordered: node.name === "OrderedList",
      start: Number.isNaN(start) ? 1 : start,
      items: items.map((item) => this.blocks(item, depth)),
    }
  }

  private codeBlock(node: SyntaxNode): CodeBlock {
    const info = node.getChild("CodeInfo")
    return {
      kind: "code-block",
      language: info ? this.source.slice(info.from, info.to) : undefined,
      children: node.getChildren("CodeText").map(({ from, to }) => this.text(from, to)),
    }
  }

  private text(from: number, to: number): Text {
    return { kind: "text", text: this.source.slice(from, to), at: from }
  }

  literal(from: number, to: number): Inline[] {
    const into = new Inlines()
    this.addText(from, to, into)
    return into.nodes
  }

  /** What a node holds between its marks. */
  private inlines(parent: SyntaxNode, depth: number, into: Inlines): Inline[] {
    let at = parent.from
    for (let node = parent.firstChild; node !== null; node = node.nextSibling) {
      this.addText(at, node.from, into)
      this.addInline(node, depth, into)
      at = node.to
    }
    this.addText(at, parent.to, into)
    return into.nodes
  }

  private addInline(node: SyntaxNode, depth: number, into: Inlines): void {
    switch (node.name) {
      case "EmphasisMark":
      case "StrikethroughMark":
      case "QuoteMark":
        return
      case "Escape":
        this.addText(node.from + 1, node.to, into)
        return
      case "HardBreak":
        into.add({ kind: "break" })
        return
      case "InlineCode":
        into.add({ kind: "code", children: this.inlineCode(node) })
        return
      case "URL":
        if (depth >= MAX_DEPTH) break
        this.addLink(node, readBareTarget(this.source.slice(node.from, node.to)), into, () =>
          this.literal(node.from, node.to),
        )
        return
      case "Link":
        if (depth >= MAX_DEPTH) break
        this.addLink(node, this.targetOf(node), into, () => {
          const [open, close] = node.getChildren("LinkMark")
          return this.between(node, open?.to ?? node.from, close?.from ?? node.to, depth + 1)
        })
        return
    }
    const kind = emphases[node.name]
    if (kind === undefined || depth >= MAX_DEPTH) this.addText(node.from, node.to, into)
    else into.add({ kind, children: this.inlines(node, depth + 1, new Inlines(into.startsLine)) })
  }

  /** A link with a title is none: a title would be text that nobody sees. */
  private targetOf(node: SyntaxNode): Target | undefined {
    const url = addressOf(node)
    if (!url || node.getChild("LinkTitle")) return undefined
    const text = this.source.slice(url.from, url.to).replace(/^<(.*)>$/s, "$1")
    return readTarget(text.replace(/\\([!-/:-@[-`{-~])/g, "$1"))
  }

  private addLink(node: SyntaxNode, target: Target | undefined, into: Inlines, read: () => Inline[]): void {
    const children = target === undefined || this.isNamedIn(node) ? [] : read().map(neutralizeLink)
    const shown = children.map(shownText).join("")
    if (target === undefined || shown.trim() === "") this.addText(node.from, node.to, into)
    else into.add({ kind: "link", ...target, disguised: isDisguised(shown, target), children })
  }

  /** The inline nodes of a part of a node. */
  private between(parent: SyntaxNode, from: number, to: number, depth: number): Inline[] {
    const into = new Inlines()
    let at = from
    for (let node = parent.firstChild; node !== null; node = node.nextSibling) {
      if (node.from < from || node.to > to) continue
      this.addText(at, node.from, into)
      // no link within a link
      if (node.name === "URL" || node.name === "Link") this.addText(node.from, node.to, into)
      else this.addInline(node, depth, into)
      at = node.to
    }
    this.addText(at, to, into)
    return into.nodes
  }

  /** Whether a mention stands in an address: neither may be taken for the other. */
  private isNamedIn(node: SyntaxNode): boolean {
    const { from, to } = node.name === "Link" ? (addressOf(node) ?? node) : node
    const first = this.firstMention(from)
    const before = this.mentions[first - 1]
    const next = this.mentions[first]
    return (before !== undefined && before.start + before.length > from) || (next !== undefined && next.start < to)
  }

  private inlineCode(node: SyntaxNode): Text[] {
    const texts: Text[] = []
    let at = node.from
    for (let child = node.firstChild; child !== null; child = child.nextSibling) {
      if (child.from > at) texts.push(this.text(at, child.from))
      at = child.to
    }
    const first = texts[0]
    const last = texts.at(-1)
    // A space on each side only keeps a backtick from the mark.
    if (
      first &&
      last &&
      /^\s.*\s$/s.test(texts.map(({ text }) => text).join("")) &&
      texts.some(({ text }) => text.trim())
    ) {
      texts[0] = { ...first, text: first.text.slice(1), at: first.at + 1 }
      const end = texts.length - 1
      texts[end] = { ...(texts[end] ?? last), text: (texts[end] ?? last).text.slice(0, -1) }
    }
    return texts.map((one) => ({ ...one, text: one.text.replace(/[\r\n]/g, " ") })).filter(({ text }) => text !== "")
  }

  /** Source characters as text, mentions and line breaks. */
  private addText(from: number, to: number, into: Inlines): void {
    let at = from
    for (const { start, length, user } of this.mentionsIn(from, to)) {
      this.addLines(at, start, into)
      at = start + length
      into.add({ kind: "mention", user, text: this.source.slice(start, at), at: start })
    }
    this.addLines(at, to, into)
  }

  private mentionsIn(from: number, to: number): readonly MentionRange[] {
    const first = this.firstMention(from)
    let end = first
    for (let next = this.mentions[end]; next !== undefined && next.start + next.length <= to; next = this.mentions[end])
      end++
    return this.mentions.slice(first, end)
  }

  /** Index of the first mention that does not begin before `at`. */
  private firstMention(at: number): number {
    let low = 0
    let high = this.mentions.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((this.mentions[middle]?.start ?? at) < at) low = middle + 1
      else high = middle
    }
    return low
  }

  private addLines(from: number, to: number, into: Inlines): void {
    const lines = this.source.slice(from, to).split(/(\r\n?|\n)/)
    let at = from
    lines.forEach((line, index) => {
      if (index % 2 === 1) into.add({ kind: "break" })
      else {
        // Spaces at a line's beginning are the parser's: they say what the line belongs to.
        const text = into.startsLine ? line.replace(/^[\t ]+/, "") : line
        if (text !== "") into.add({ kind: "text", text, at: at + line.length - text.length })
      }
      at += line.length
    })
  }
}

/** The address behind a link's text, which may hold others. */
function addressOf(link: SyntaxNode): SyntaxNode | undefined {
  const begin = link.getChildren("LinkMark")[2]
  return begin && link.getChildren("URL").find(({ from }) => from >= begin.to)
}

/** Inline nodes in the making. Neighboring texts are one. */
class Inlines {
  readonly nodes: Inline[] = []

  constructor(public startsLine = true) {}

  add(node: Inline): void {
    const last = this.nodes.at(-1)
    this.startsLine = node.kind === "break"
    if (node.kind === "text" && last?.kind === "text" && last.at + last.text.length === node.at) {
      this.nodes[this.nodes.length - 1] = { ...last, text: last.text + node.text }
    } else this.nodes.push(node)
  }
}

function neutralizeLink(node: Inline): Inline {
  switch (node.kind) {
    case "text":
    case "mention":
      return { ...node, text: neutralizeDirection(node.text) }
    case "code":
      return { ...node, children: node.children.map((text) => ({ ...text, text: neutralizeDirection(text.text) })) }
    case "break":
      return node
    default:
      return { ...node, children: node.children.map(neutralizeLink) }
  }
}

/** The letters of inline nodes, as they are read. */
export function shownText(node: Inline): string {
  switch (node.kind) {
    case "text":
    case "mention":
      return node.text
    case "break":
      return "\n"
    default:
      return node.children.map(shownText).join("")
  }
}
