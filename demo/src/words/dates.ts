/** Local midnight of a day as a date field gives it, "2026-11-25"; undefined where there is none. Milliseconds since 1970. */
export function startOfDay(text: string): number | undefined {
  const [year, month, day] = text.split("-").map(Number)
  if (year === undefined || month === undefined || day === undefined) return undefined
  const time = new Date(year, month - 1, day).getTime()
  return Number.isNaN(time) ? undefined : time
}

/** Local midnight after that day. */
export function endOfDay(text: string): number | undefined {
  const start = startOfDay(text)
  return start === undefined ? undefined : new Date(start).setDate(new Date(start).getDate() + 1)
}
