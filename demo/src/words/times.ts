import { byLocale, t } from "./translate.js"

/** Minutes whose texts are kept. */
const MOST_MINUTES = 1_024

const formats = byLocale((locale) => ({
  clock: eachMinuteOnce(new Intl.DateTimeFormat(locale, { hour: "numeric", minute: "2-digit" })),
  weekday: new Intl.DateTimeFormat(locale, { weekday: "long" }),
  shortWeekday: new Intl.DateTimeFormat(locale, { weekday: "short" }),
  dayOfYear: new Intl.DateTimeFormat(locale, { weekday: "short", day: "numeric", month: "long" }),
  longDate: new Intl.DateTimeFormat(locale, { day: "numeric", month: "long", year: "numeric" }),
  shortDate: new Intl.DateTimeFormat(locale, { day: "numeric", month: "short" }),
  shortDateOfYear: new Intl.DateTimeFormat(locale, { day: "numeric", month: "short", year: "2-digit" }),
  full: eachMinuteOnce(new Intl.DateTimeFormat(locale, { dateStyle: "full", timeStyle: "short" })),
  relative: new Intl.RelativeTimeFormat(locale, { style: "narrow" }),
}))

/** Of a format that tells no seconds: rows that come and go ask for the same minutes again and again. */
function eachMinuteOnce(format: Intl.DateTimeFormat): Pick<Intl.DateTimeFormat, "format"> {
  const known = new Map<number, string>()
  return {
    format: (time: number) => {
      const minute = Math.floor(time / 60_000)
      const before = known.get(minute)
      if (before !== undefined) return before
      const text = format.format(time)
      if (known.size >= MOST_MINUTES) known.clear()
      known.set(minute, text)
      return text
    },
  }
}

export function showClock(time: number): string {
  return formats().clock.format(time)
}

export function showFull(time: number): string {
  return formats().full.format(time)
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

function isThisYear(time: number, now: number): boolean {
  return new Date(time).getFullYear() === new Date(now).getFullYear()
}

/** The heading over a day's messages. */
export function showDay(time: number, now: number): string {
  const days = daysBetween(time, now)
  const { weekday, dayOfYear, longDate } = formats()
  if (days === 0) return t("today")
  if (days === 1) return t("yesterday")
  if (days > 1 && days < 7) return weekday.format(time)
  return (isThisYear(time, now) ? dayOfYear : longDate).format(time)
}

/** When something happened, as short as a list allows: "5m ago", "14:20", "Yesterday", "Mon", "3 May". */
export function showWhen(time: number, now: number): string {
  const days = daysBetween(time, now)
  const { clock, shortWeekday, shortDate, shortDateOfYear, relative } = formats()
  const minutes = Math.floor((now - time) / 60_000)
  if (days === 0 && minutes < 1) return t("justNow")
  if (days === 0 && minutes < 60) return relative.format(-minutes, "minute")
  if (days === 0) return clock.format(time)
  if (days === 1) return t("yesterday")
  if (days > 1 && days < 7) return shortWeekday.format(time)
  return (isThisYear(time, now) ? shortDate : shortDateOfYear).format(time)
}

/** When somebody was last here: "5m ago", "Yesterday at 14:20". */
export function showSince(time: number, now: number): string {
  const days = daysBetween(time, now)
  if (days <= 0) return showWhen(time, now)
  return t("dayAtTime", { day: showDay(time, now), time: showClock(time) })
}
