const clock = new Intl.DateTimeFormat(undefined, { hour: "numeric", minute: "2-digit" })
const weekday = new Intl.DateTimeFormat(undefined, { weekday: "long" })
const shortWeekday = new Intl.DateTimeFormat(undefined, { weekday: "short" })
const dayOfYear = new Intl.DateTimeFormat(undefined, { weekday: "short", day: "numeric", month: "long" })
const longDate = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "long", year: "numeric" })
const shortDate = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short" })
const shortDateOfYear = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short", year: "2-digit" })
const full = new Intl.DateTimeFormat(undefined, { dateStyle: "full", timeStyle: "short" })

export function showClock(time: number): string {
  return clock.format(time)
}

export function showFull(time: number): string {
  return full.format(time)
}

/** Names the local day of a time: equal for two times of the same day. */
export function dayOf(time: number): string {
  const date = new Date(time)
  return `${date.getFullYear()}-${date.getMonth() + 1}-${date.getDate()}`
}

/** Local days from one time to a later one. */
function daysBetween(earlier: number, later: number): number {
  const midnight = (time: number): number => new Date(time).setHours(12, 0, 0, 0)
  return Math.round((midnight(later) - midnight(earlier)) / 86_400_000)
}

/** The heading over a day's messages. */
export function showDay(time: number, now: number): string {
  const days = daysBetween(time, now)
  if (days === 0) return "Today"
  if (days === 1) return "Yesterday"
  if (days > 1 && days < 7) return weekday.format(time)
  return new Date(time).getFullYear() === new Date(now).getFullYear() ? dayOfYear.format(time) : longDate.format(time)
}

/** When something happened, as short as a list allows. */
export function showWhen(time: number, now: number): string {
  const days = daysBetween(time, now)
  if (days === 0) return clock.format(time)
  if (days === 1) return "Yesterday"
  if (days > 1 && days < 7) return shortWeekday.format(time)
  const isThisYear = new Date(time).getFullYear() === new Date(now).getFullYear()
  return isThisYear ? shortDate.format(time) : shortDateOfYear.format(time)
}
