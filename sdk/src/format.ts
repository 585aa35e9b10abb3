/*
 * `@weft/sdk/format`: what a message's text says, as a tree that any user interface can show. Never HTML.
 */
export { parseText, type ParseOptions } from "./format/parse.js"
export { plainText } from "./format/plain.js"
export { neutralizeName } from "./format/invisible.js"
export type {
  Block,
  Break,
  CodeBlock,
  Emphasis,
  Inline,
  InlineCode,
  Link,
  List,
  Mention,
  MentionRange,
  Paragraph,
  Quote,
  Text,
} from "./format/tree.js"
