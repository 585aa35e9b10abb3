import type { Block, Inline, Link, Mention, Text } from "./tree.js"

interface Visitor {
  text?(node: Text | Mention): void
  link?(node: Link): void
  /** What a tree keeps beside its text. */
  hidden?(mark: string): void
  /** How many quotes, lists, emphases and links a node stands in. */
  depth?(depth: number): void
}

/** For tests: walks over a tree, in its order. */
export function visit(blocks: readonly Block[], visitor: Visitor, depth = 0): void {
  visitor.depth?.(depth)
  for (const block of blocks) {
    switch (block.kind) {
      case "paragraph":
        visitInlines(block.children, visitor, depth)
        break
      case "code-block":
        visitor.hidden?.(block.language ?? "")
        for (const text of block.children) visitor.text?.(text)
        break
      case "quote":
        visit(block.children, visitor, depth + 1)
        break
      case "list":
        for (const item of block.items) visit(item, visitor, depth + 1)
    }
  }
}

function visitInlines(nodes: readonly Inline[], visitor: Visitor, depth: number): void {
  visitor.depth?.(depth)
  for (const node of nodes) {
    switch (node.kind) {
      case "text":
      case "mention":
        visitor.text?.(node)
        break
      case "break":
        break
      case "code":
        for (const text of node.children) visitor.text?.(text)
        break
      case "link":
        visitor.link?.(node)
        visitInlines(node.children, visitor, depth + 1)
        break
      default:
        visitInlines(node.children, visitor, depth + 1)
    }
  }
}
