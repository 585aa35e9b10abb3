import { fileURLToPath } from "node:url"
import { readRooms } from "../replay/chat-log.ts"

const sample = fileURLToPath(new URL("../data/ubuntu-irc-2005-05-19.jsonl.gz", import.meta.url))

export interface RealLine {
  /** Authors by number, in the order in which they began to speak. */
  readonly author: number
  readonly text: string
}

/** What people wrote, in their order; as many lines as asked for, from the beginning again where the sample ends. */
export async function realLines(count: number): Promise<RealLine[]> {
  const rooms = await readRooms(sample)
  const authors = new Map<string, number>()
  const lines = Array.from(rooms.values())
    .flat()
    .map(({ from, text }): RealLine => {
      const author = authors.get(from) ?? authors.size
      authors.set(from, author)
      return { author, text }
    })
  return Array.from({ length: count }, (_, index) => lines[index % lines.length] ?? { author: 0, text: "hello" })
}

/** The texts alone. */
export async function realTexts(count: number): Promise<string[]> {
  return (await realLines(count)).map(({ text }) => text)
}

export function bytesOf(texts: readonly string[]): number {
  return texts.reduce((sum, text) => sum + Buffer.byteLength(text), 0)
}
