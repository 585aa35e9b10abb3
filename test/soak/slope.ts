/** A heap at a time, after a collection. */
export interface Point {
  readonly ms: number
  readonly operations: number
  readonly bytes: number
}

export interface Line {
  readonly slope: number
  /** Standard error of the slope. */
  readonly error: number
  /** R squared: the part of the variance that the line explains. */
  readonly fit: number
}

/** The line of least squares through (x, y). Without two different x there is no slope: NaN. */
export function fitLine(points: readonly (readonly [x: number, y: number])[]): Line {
  const count = points.length
  const meanX = points.reduce((sum, [x]) => sum + x, 0) / count
  const meanY = points.reduce((sum, [, y]) => sum + y, 0) / count
  let xx = 0
  let xy = 0
  let yy = 0
  for (const [x, y] of points) {
    xx += (x - meanX) ** 2
    xy += (x - meanX) * (y - meanY)
    yy += (y - meanY) ** 2
  }
  const slope = xy / xx
  const rest = Math.max(0, yy - slope * xy)
  return { slope, error: Math.sqrt(rest / Math.max(1, count - 2) / xx), fit: yy === 0 ? 1 : 1 - rest / yy }
}
