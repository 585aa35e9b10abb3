import { benches } from "./benches.ts"
import type { Figure } from "./figure.ts"
import type { Figures } from "./table.ts"

const WIDTH = 760
const LEFT = 150
const ROW = 26
const TOP = 68
/** Names in a row of the legend. */
const IN_ROW = 3
/** Powers of ten on either side of the target. */
const DECADES = 2
const colors = ["#b45309", "#7c3aed", "#0891b2", "#be185d", "#4b5563", "#1d4ed8", "#eab308"]

/** SVG: what each figure is in its target, on a logarithmic scale; on the left of the line is better. */
export function plot(figures: Figures): string {
  const rows = benches.flatMap(({ name }) => {
    const of = figures[name]
    return of === undefined ? [] : [{ name, of }]
  })
  const names = Array.from(new Set(rows.flatMap(({ of }) => Object.keys(of.peers))))
  const colorOf = (peer: string): string => colors[names.indexOf(peer) % colors.length] ?? "#000"
  const height = TOP + rows.length * ROW + 24
  const lines = [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" font-family="sans-serif" font-size="12">`,
    `<rect width="${WIDTH}" height="${height}" fill="#fff"/>`,
    ...legend(["Weft", ...names], (name) => (name === "Weft" ? "#15803d" : colorOf(name))),
    ...scale(height),
    ...rows.flatMap(({ name, of }, row) => {
      const y = TOP + row * ROW + ROW / 2
      return [
        `<text x="${LEFT - 12}" y="${y + 4}" text-anchor="end">${name}</text>`,
        `<line x1="${LEFT}" x2="${WIDTH - 10}" y1="${y}" y2="${y}" stroke="#e5e7eb"/>`,
        ...Object.entries(of.peers).map(([peer, value]) => dot(inTargets(value, of), y, 4, colorOf(peer))),
        dot(inTargets(of.value, of), y, 6, "#15803d"),
      ]
    }),
    "</svg>",
  ]
  return `${lines.join("\n")}\n`
}

/** 1: as much as the target; less is better. */
function inTargets(value: number, { target, better }: Figure): number {
  return better === "less" ? value / target : target / value
}

function xOf(times: number): number {
  const decades = Math.max(-DECADES, Math.min(DECADES, Math.log10(times)))
  return LEFT + ((decades + DECADES) / (2 * DECADES)) * (WIDTH - LEFT - 10)
}

function dot(times: number, y: number, radius: number, color: string): string {
  return `<circle cx="${xOf(times).toFixed(1)}" cy="${y}" r="${radius}" fill="${color}"/>`
}

function scale(height: number): string[] {
  return Array.from({ length: 2 * DECADES + 1 }, (_, index) => 10 ** (index - DECADES)).flatMap((times) => {
    const x = xOf(times).toFixed(1)
    const isTarget = times === 1
    return [
      `<line x1="${x}" x2="${x}" y1="${TOP}" y2="${height - 20}" stroke="${isTarget ? "#111" : "#e5e7eb"}"/>`,
      `<text x="${x}" y="${height - 6}" text-anchor="${times === 10 ** DECADES ? "end" : "middle"}">${isTarget ? "target" : `${times} x`}</text>`,
    ]
  })
}

function legend(names: readonly string[], colorOf: (name: string) => string): string[] {
  const width = (WIDTH - 20) / IN_ROW
  return names.flatMap((name, index) => {
    const x = 14 + (index % IN_ROW) * width
    const y = 20 + Math.floor(index / IN_ROW) * 20
    return [
      `<circle cx="${x.toFixed(1)}" cy="${y}" r="5" fill="${colorOf(name)}"/>`,
      `<text x="${(x + 9).toFixed(1)}" y="${y + 4}" font-size="11">${name}</text>`,
    ]
  })
}
