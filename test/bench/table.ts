import { benches } from "./benches.ts"
import type { Figure } from "./figure.ts"

/** What `--json` writes. */
export type Figures = Readonly<Record<string, Figure>>

/** One line about a figure. */
export function describe({ value, unit, target, better, ok, peers, limit }: Figure): string {
  const others = Object.entries(peers).map(([peer, of]) => `${peer} ${number(of, unit)}`)
  const bound = `${better === "less" ? "at most" : "at least"} ${number(target, unit)}`
  const rest = [...others, ...(limit === undefined ? [] : [`limit ${number(limit, unit)}`])]
  return `${ok ? "ok    " : "FAILED"} ${number(value, unit)} (${bound})${rest.length > 0 ? `; ${rest.join(", ")}` : ""}`
}

/** All figures as Markdown, what is worth knowing of each below the table. */
export function table(figures: Figures): string {
  const measured = benches.flatMap(({ name, what }) => {
    const of = figures[name]
    return of === undefined ? [] : [{ name, what, of }]
  })
  const rows = measured.map(({ name, what, of: { value, unit, target, better, ok, peers, limit } }) => {
    const others = Object.entries(peers).map(([peer, of]) => `${peer} ${number(of, unit)}`)
    return [
      `\`${name}\``,
      what,
      `${ok ? "**" : ""}${number(value, unit)}${ok ? "**" : ""}`,
      `${better === "less" ? "<=" : ">="} ${number(target, unit)}`,
      others.join("<br>"),
      limit === undefined ? "" : number(limit, unit),
    ]
  })
  const lines = [
    ["bench", "what", "Weft", "target", "others", "limit"],
    ["---", "---", "---", "---", "---", "---"],
    ...rows,
  ].map((cells) => `| ${cells.join(" | ")} |`)
  const notes = measured.flatMap(({ name, of }) =>
    of.notes.length > 0 ? [`- \`${name}\`: ${of.notes.join("; ")}`] : [],
  )
  return [...lines, "", ...notes].join("\n")
}

function number(value: number, unit: string): string {
  const text = value >= 100 ? Math.round(value).toLocaleString("en") : value.toPrecision(3)
  return `${text} ${unit}`
}
