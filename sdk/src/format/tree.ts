/** A range of the source text that names somebody: UTF-16 code units. `user` is "" for everyone. */
export interface MentionRange {
  readonly start: number
  readonly length: number
  readonly user: string
}

/** A piece of the source as it is shown. `at` is where it begins there, so that a search can mark it. */
export interface Text {
  readonly kind: "text"
  readonly text: string
  readonly at: number
}

/** A person, or everyone, named by a range of the message and not by what its letters say. */
export interface Mention {
  readonly kind: "mention"
  readonly user: string
  readonly text: string
  readonly at: number
}

/** Text that stands out. */
export interface Emphasis {
  readonly kind: "bold" | "italic" | "strikethrough"
  readonly children: readonly Inline[]
}

/** Code within a line; shown as it was written. */
export interface InlineCode {
  readonly kind: "code"
  readonly children: readonly Text[]
}

/** A link whose target is http, https or mailto, and carries no user name, no invisible and no reordering characters. */
export interface Link {
  readonly kind: "link"
  /** The target, normalized: its host is ASCII (punycode). */
  readonly href: string
  /** Where it really leads, to be shown: host and port, or the address of a mailto. */
  readonly site: string
  /** Whether its text does not spell out the target. */
  readonly disguised: boolean
  readonly children: readonly Inline[]
}

/** A line ends here. */
export interface Break {
  readonly kind: "break"
}

/** What stands within a block. */
export type Inline = Text | Mention | Emphasis | InlineCode | Link | Break

/** Lines that belong together. */
export interface Paragraph {
  readonly kind: "paragraph"
  readonly children: readonly Inline[]
}

/** Code on lines of its own; shown as it was written. */
export interface CodeBlock {
  readonly kind: "code-block"
  /** What stands behind the opening fence, as it was written. */
  readonly language: string | undefined
  /** Its lines, with the breaks between them. */
  readonly children: readonly Text[]
}

/** What somebody else said. */
export interface Quote {
  readonly kind: "quote"
  readonly children: readonly Block[]
}

/** Items, with numbers or without. */
export interface List {
  readonly kind: "list"
  readonly ordered: boolean
  /** Number of the first item, where ordered. */
  readonly start: number
  readonly items: readonly (readonly Block[])[]
}

/** What a text consists of. */
export type Block = Paragraph | CodeBlock | Quote | List
