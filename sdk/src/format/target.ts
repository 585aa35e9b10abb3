import { hasInvisible } from "./invisible.js"

/** Longer addresses are text. UTF-16 code units. */
const MAX_TARGET = 2048

export interface Target {
  readonly href: string
  readonly site: string
}

/**
 * Reads what a link points to. Undefined for anything but http, https and mailto; for a user name before the host, which
 * is there to be taken for the host; and for characters that can't be seen.
 */
export function readTarget(text: string): Target | undefined {
  if (text.length > MAX_TARGET || hasInvisible(text) || /[\s\\\u200c\u200d]/.test(text)) return undefined
  const scheme = /^(https?:\/\/|mailto:)./i.exec(text)?.[1]?.toLowerCase()
  if (scheme === undefined) return undefined
  const url = parseUrl(text)
  if (url === undefined || url.username !== "" || url.password !== "") return undefined
  if (scheme !== "mailto:") return url.hostname === "" ? undefined : { href: url.href, site: url.host }
  return /^[^@]+@[^@]+$/.test(url.pathname) ? { href: url.href, site: url.pathname } : undefined
}

/** Reads a bare address in a text. */
export function readBareTarget(text: string): Target | undefined {
  if (/^(https?:|mailto:)/i.test(text)) return readTarget(text)
  if (/^www\./i.test(text)) return readTarget(`https://${text}`)
  return text.includes(":") ? undefined : readTarget(`mailto:${text}`)
}

/** Whether a link's text does not spell out where it leads. Letters that only look alike spell something else. */
export function isDisguised(text: string, { href, site }: Target): boolean {
  const shown = text.trim()
  if (!shown.toLowerCase().includes(site.toLowerCase())) return true
  return !["", "https://", "http://", "mailto:"].some((scheme) => readTarget(scheme + shown)?.href === href)
}

function parseUrl(text: string): URL | undefined {
  try {
    return new URL(text)
  } catch {
    return undefined
  }
}
