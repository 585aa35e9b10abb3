import { type Block, type Inline, parseText } from "@weft/sdk/format"

/** [start, length], in UTF-16 code units. */
type Range = readonly [number, number]

interface Found {
  readonly text: string
  readonly ranges: readonly Range[]
}

/**
 * A text that was found, as it is read: without the marks of its formatting, a line for each block, items of lists as
 * previews show them. What answers only in
 * what is not shown, the target of a link for example, leaves the text as it was written.
 */
export function unmarked(text: string, ranges: readonly Range[]): Found {
  const shown = new Shown(ranges)
  shown.addBlocks(parseText(text))
  return shown.ranges.length === 0 && ranges.length > 0 ? { text, ranges } : { text: shown.text, ranges: shown.ranges }
}

class Shown {
  text = ""
  readonly ranges: Range[] = []
  /** All of it, where the last line has only begun. */
  private begun = ""

  constructor(private readonly found: readonly Range[]) {}

  addBlocks(blocks: readonly Block[]): void {
    for (const block of blocks) {
      if (block.kind === "list") {
        for (const [index, item] of block.items.entries()) {
          this.addLine(block.ordered ? `${String(block.start + index)}. ` : "\u2022 ")
          this.addBlocks(item)
        }
      } else if (block.kind === "quote") this.addBlocks(block.children)
      else {
        this.addLine("")
        this.addInlines(block.children)
      }
    }
  }

  /** Begins a line, unless one has begun in which nothing is said yet. */
  private addLine(lead: string): void {
    if (this.text !== this.begun) this.text += "\n"
    this.text += lead
    this.begun = this.text
  }

  private addInlines(inlines: readonly Inline[]): void {
    for (const inline of inlines) {
      if (inline.kind === "break") this.text += "\n"
      else if ("at" in inline) this.addPiece(inline.text, inline.at)
      else this.addInlines(inline.children)
    }
  }

  /** A piece of the source that begins at `at` there. */
  private addPiece(piece: string, at: number): void {
    for (const [start, length] of this.found) {
      const from = Math.max(start, at)
      const to = Math.min(start + length, at + piece.length)
      if (from < to) this.ranges.push([this.text.length + from - at, to - from])
    }
    this.text += piece
  }
}
