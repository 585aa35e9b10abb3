import { keep, readKept } from "./keep.js"

/** Most that are offered before all others. */
const MOST = 14
const KEY = "emoji"

/** Those that were picked last on this device, the last one first. */
export function readRecentEmoji(): readonly string[] {
  return (readKept(KEY) ?? "").split(" ").filter((char) => char !== "")
}

export function rememberEmoji(char: string): void {
  const others = readRecentEmoji().filter((one) => one !== char)
  keep(KEY, [char, ...others].slice(0, MOST).join(" "))
}
