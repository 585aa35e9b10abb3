import { readFile, writeFile } from "node:fs/promises"
import type { Figure } from "./figure.ts"

const file = new URL("baseline.json", import.meta.url)
/** How much worse a count may be. */
const TOLERANCE = 1.05

/** Counts of the exact benches, by bench and name. */
export type Baseline = Readonly<Record<string, Readonly<Record<string, number>>>>

export async function readBaseline(): Promise<Baseline> {
  return JSON.parse(await readFile(file, "utf8")) as Baseline
}

/** Puts these counts in the place of those of the same benches. */
export async function writeBaseline(figures: Readonly<Record<string, Figure>>): Promise<void> {
  const measured = Object.entries(figures).map(([name, { counts }]) => {
    const rounded = Object.entries(counts).map(([count, value]) => [count, Number(value.toPrecision(4))] as const)
    return [name, Object.fromEntries(rounded)] as const
  })
  const all: Baseline = { ...(await readBaseline()), ...Object.fromEntries(measured) }
  await writeFile(file, `${JSON.stringify(all, undefined, 2)}\n`)
}

/** One line for each count that is worse than the baseline by more than the tolerance, or that it lacks. */
export function regressions(name: string, { counts }: Figure, baseline: Baseline): string[] {
  return Object.entries(counts).flatMap(([count, value]) => {
    const before = baseline[name]?.[count]
    if (before === undefined) return [`${count}: the baseline has none`]
    return value <= before * TOLERANCE ? [] : [`${count}: ${value.toPrecision(4)}, where ${before} was`]
  })
}
