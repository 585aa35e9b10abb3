import { shownText } from "./parse.js"
import type { Block } from "./tree.js"

/** A message's text without its marks, for previews and notifications: one line for each line that is shown. */
export function plainText(blocks: readonly Block[]): string {
  return blocks.map(plainBlock).join("\n")
}

function plainBlock(block: Block): string {
  switch (block.kind) {
    case "paragraph":
    case "code-block":
      return block.children.map(shownText).join("").replace(/\n$/, "")
    case "quote":
      return plainText(block.children)
    case "list":
      return block.items
        .map((item, index) => `${block.ordered ? `${block.start + index}.` : "\u2022"} ${plainText(item)}`)
        .join("\n")
  }
}
