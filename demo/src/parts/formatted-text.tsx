import { type Block, type Inline, type MentionRange, parseText } from "@weft/sdk/format"
import { memo, type ReactNode } from "react"
import { t } from "../words/translate.js"
import { showName } from "../words/names.js"

interface FormattedTextProps {
  text: string
  mentions?: readonly MentionRange[]
  /** Whose mentions stand out. */
  user?: string
}

/** A message's text as elements: what its marks say, and nothing that its author could have made up. */
export const FormattedText = memo(function FormattedText({ text, mentions, user }: FormattedTextProps): ReactNode {
  const blocks = parseText(text, mentions === undefined ? {} : { mentions })
  const plain = plainTextOf(blocks)
  return plain === undefined ? <Blocks blocks={blocks} user={user} /> : <p dir={directionOf(plain)}>{plain}</p>
})

/** "auto" costs at every layout: it is left out where no letter may run from right to left, as none before Hebrew does. */
function directionOf(text: string): "auto" | undefined {
  return /[^\0-\u058f]/.test(text) ? "auto" : undefined
}

/** Of a text without any marks, as most are: that needs no more than one element. */
function plainTextOf([first, ...rest]: readonly Block[]): string | undefined {
  if (first?.kind !== "paragraph" || rest.length > 0) return undefined
  const [only, ...others] = first.children
  return only?.kind === "text" && others.length === 0 ? only.text : undefined
}

// Nodes have no identity beyond their place: a tree is made anew when its text changes.
function Blocks({ blocks, user }: { blocks: readonly Block[]; user: string | undefined }): ReactNode {
  return blocks.map((block, index) => <BlockElement key={index} block={block} user={user} />)
}

function BlockElement({ block, user }: { block: Block; user: string | undefined }): ReactNode {
  switch (block.kind) {
    case "paragraph":
      return (
        <p dir="auto">
          <Inlines nodes={block.children} user={user} />
        </p>
      )
    case "code-block":
      return (
        // can be scrolled, so it can be reached by keyboard
        <pre
          tabIndex={0}
          dir="ltr"
          data-language={block.language}
          aria-label={t("codeIn", { language: block.language ?? "" }).trim()}
        >
          <code>{block.children.map((line) => line.text).join("")}</code>
        </pre>
      )
    case "quote":
      return (
        <blockquote>
          <Blocks blocks={block.children} user={user} />
        </blockquote>
      )
    case "list": {
      const items = block.items.map((item, index) => (
        <li key={index}>
          <Blocks blocks={item} user={user} />
        </li>
      ))
      return block.ordered ? <ol start={block.start}>{items}</ol> : <ul>{items}</ul>
    }
  }
}

function Inlines({ nodes, user }: { nodes: readonly Inline[]; user: string | undefined }): ReactNode {
  return nodes.map((node, index) => <InlineElement key={index} node={node} user={user} />)
}

function InlineElement({ node, user }: { node: Inline; user: string | undefined }): ReactNode {
  switch (node.kind) {
    case "text":
      return node.text
    case "break":
      // a paragraph keeps its line breaks, and so does what is copied from it
      return "\n"
    case "mention":
      return (
        <span className="mention" data-me={node.user === "" || node.user === user || undefined}>
          <bdi>{showName(node.text)}</bdi>
        </span>
      )
    case "code":
      return <code dir="ltr">{node.children.map((piece) => piece.text).join("")}</code>
    case "bold":
      return (
        <strong>
          <Inlines nodes={node.children} user={user} />
        </strong>
      )
    case "italic":
      return (
        <em>
          <Inlines nodes={node.children} user={user} />
        </em>
      )
    case "strikethrough":
      return (
        <s>
          <Inlines nodes={node.children} user={user} />
        </s>
      )
    case "link":
      return (
        <>
          <a href={node.href} title={node.href} target="_blank" rel="noopener noreferrer nofollow">
            <bdi>
              <Inlines nodes={node.children} user={user} />
            </bdi>
          </a>
          {node.disguised && <span className="site"> ({node.site})</span>}
        </>
      )
  }
}
