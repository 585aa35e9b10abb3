import { utf8 } from "./bytes.js"
import { MAX_EMOJI_BYTES } from "./limits.js"

const part = "\\p{Extended_Pictographic}(?:\\ufe0f|[\\u{1f3fb}-\\u{1f3ff}])?"
/** One emoji, by how it is built: so every device takes those that are newer than itself, and all say the same. [SPEC M6] */
export const EMOJI = [
  "\\p{Regional_Indicator}{2}",
  "[0-9#*]\\ufe0f?\\u20e3",
  `${part}(?:[\\u{e0020}-\\u{e007e}]+\\u{e007f}|(?:\\u200d${part})*)`,
].join("|")

const whole = new RegExp(`^(?:${EMOJI})$`, "u")
/** Those that are recommended to be drawn as one picture, as the platform knows them. */
const recommended = new RegExp("^\\p{RGI_Emoji}$", "v")

/** Whether it is one emoji, and nothing else; this platform may not know how to draw it. */
export function isEmoji(text: unknown): text is string {
  return typeof text === "string" && whole.test(text) && utf8(text).length <= MAX_EMOJI_BYTES
}

/** The emoji as it is written: with the mark that makes a sign a picture. Undefined where the text is none. */
export function parseEmoji(text: unknown): string | undefined {
  if (typeof text !== "string") return undefined
  return [text, `${text}\ufe0f`].find((emoji) => recommended.test(emoji) && isEmoji(emoji))
}
