/** How one cost grows with one size. */
export interface Growth {
  readonly name: string
  readonly what: string
  /** What there is more and more of. */
  readonly of: string
  readonly sizes: readonly number[]
  /** What it costs at a size, by the name of the cost with its unit. */
  measure(size: number): Promise<Readonly<Record<string, number>>>
}

/** cost = factor * size ** power, as near as such a curve comes. */
interface Curve {
  readonly factor: number
  readonly power: number
}

/** Least squares on logarithms: each size weighs the same. */
function fit(points: readonly (readonly [size: number, cost: number])[]): Curve {
  const logs = points.map(([size, cost]) => [Math.log(size), Math.log(cost)] as const)
  const mean = (of: 0 | 1): number => logs.reduce((sum, log) => sum + log[of], 0) / logs.length
  const [x, y] = [mean(0), mean(1)]
  const power =
    logs.reduce((sum, log) => sum + (log[0] - x) * (log[1] - y), 0) /
    logs.reduce((sum, log) => sum + (log[0] - x) ** 2, 0)
  return { factor: Math.exp(y - power * x), power }
}

/** A Markdown table: a row for each cost, its curve in the last column. */
export function growthTable({ of, sizes }: Growth, costs: readonly Readonly<Record<string, number>>[]): string {
  const names = Object.keys(costs[0] ?? {})
  const rows = names.map((name) => {
    const values = costs.map((cost) => cost[name] ?? NaN)
    const { factor, power } = fit(values.map((value, index) => [sizes[index] ?? NaN, value] as const))
    return [name, ...values.map(short), `${short(factor)} n^${power.toFixed(2)}`]
  })
  const heads = [of, ...sizes.map((size) => size.toLocaleString("en")), "curve"]
  return [heads, heads.map(() => "---"), ...rows].map((cells) => `| ${cells.join(" | ")} |`).join("\n")
}

function short(value: number): string {
  return value >= 100 ? Math.round(value).toLocaleString("en") : value.toPrecision(2)
}
