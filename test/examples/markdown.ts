/*
 * The examples of a Markdown page, as programs. A `ts` or `tsx` block that begins with an import begins a program; the ones
 * behind it go on with it, as a reader does. What a reader needs not see stands in comments that no page shows:
 *
 *   <!-- before      code that runs before the next block: other people, a fake of the application's own function
 *   -->
 *   <!-- after       code that runs behind the last block: calls what it exports
 *   -->
 *
 * `console.log(value) // -> text` says what is printed; where it is called more than once, at last.
 */

export interface Program {
  readonly extension: "ts" | "tsx"
  /** Of the page, where the program begins. */
  readonly line: number
  /** As a reader has it, with what is hidden. */
  readonly code: string
  /** The same, where marked lines call `tell` with their number instead of `console.log`. */
  readonly telling: string
  /** What each marked line of the page prints, by its number there. */
  readonly prints: ReadonlyMap<number, string>
}

interface Piece {
  readonly kind: "ts" | "tsx" | "before" | "after"
  readonly line: number
  readonly lines: readonly string[]
}

const MARKED = /^(.*?)\bconsole\.log\((.*?)\s*\/\/ -> (.*)$/

export function readPrograms(markdown: string): Program[] {
  const programs: { extension: "ts" | "tsx"; line: number; pieces: Piece[] }[] = []
  let before: Piece[] = []
  for (const piece of piecesOf(markdown)) {
    const current = programs.at(-1)
    if (piece.kind === "before") before.push(piece)
    else if (piece.kind === "after") current?.pieces.push(piece)
    else {
      if (current === undefined || piece.lines.find((line) => line.trim() !== "")?.startsWith("import ") === true)
        programs.push({ extension: piece.kind, line: piece.line, pieces: [...before, piece] })
      else current.pieces.push(...before, piece)
      before = []
    }
  }
  return programs.map(({ extension, line, pieces }) => ({ extension, line, ...assemble(pieces) }))
}

/** Marked lines tell what they print to `tell`, which `stage.ts` has. */
function assemble(pieces: readonly Piece[]): Pick<Program, "code" | "telling" | "prints"> {
  const prints = new Map<number, string>()
  const code = pieces.flatMap(({ lines }) => lines)
  const telling = pieces.flatMap(({ line, lines }) =>
    lines.map((text, index) => {
      const [, head, rest, printed] = MARKED.exec(text) ?? []
      if (head === undefined || printed === undefined) return text
      prints.set(line + index, printed)
      return `${head}tell(${String(line + index)}, ${rest ?? ""}`
    }),
  )
  return { code: code.join("\n"), telling: telling.join("\n"), prints }
}

function* piecesOf(markdown: string): Generator<Piece> {
  const lines = markdown.split("\n")
  for (let at = 0; at < lines.length; at++) {
    const line = lines[at] ?? ""
    const kind = /^(?:```|<!-- )(tsx?|before|after)$/.exec(line)?.[1] as Piece["kind"] | undefined
    if (kind === undefined) continue
    const end = lines.indexOf(line.startsWith("```") ? "```" : "-->", at)
    yield { kind, line: at + 2, lines: lines.slice(at + 1, end) }
    at = end
  }
}

/** Commands of a page's shell blocks that begin like this, with their continued lines. */
export function readCommands(markdown: string, beginning: string): string[] {
  return Array.from(markdown.matchAll(/^```sh\n([\s\S]*?)^```$/gm), ([, lines = ""]) => lines)
    .flatMap((lines) => lines.replaceAll("\\\n", " ").split("\n"))
    .map((line) => line.replace(/ +#.*$/, "").trim())
    .filter((line) => line.startsWith(beginning))
}

/** What a page links to in this repository. */
export function readLinks(markdown: string): string[] {
  return Array.from(markdown.matchAll(/\]\(([^):]+)\)/g), ([, target = ""]) => target)
}
