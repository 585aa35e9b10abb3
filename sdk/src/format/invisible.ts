/**
 * Characters that reorder what stands around them, or take place without being seen: first and last of each run. Joiners
 * (U+200C, U+200D) and variation selectors are not among them: names in Persian and Hindi, and emoji, are spelled with them.
 */
const invisible: readonly (readonly [number, number])[] = [
  [0x0000, 0x001f],
  [0x007f, 0x009f],
  [0x00ad, 0x00ad],
  [0x034f, 0x034f],
  [0x061c, 0x061c],
  [0x115f, 0x1160],
  [0x17b4, 0x17b5],
  [0x180b, 0x180f],
  [0x200b, 0x200b],
  [0x200e, 0x200f],
  [0x2028, 0x202e],
  [0x2060, 0x206f],
  [0x2800, 0x2800],
  [0x3164, 0x3164],
  [0xd800, 0xdfff],
  [0xfeff, 0xfeff],
  [0xffa0, 0xffa0],
  [0xfff0, 0xfffb],
  [0x1d173, 0x1d17a],
  [0xe0000, 0xe0fff],
]

/** Tags that spell a flag; any other are invisible. */
const FLAGS = /(\u{1f3f4}[\u{e0020}-\u{e007e}]{1,16}\u{e007f})/u
const REORDERING = /[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/g

/**
 * A name or title as it may be shown: characters that reorder or hide what stands around them become visible marks. So
 * nobody's name can change how the text beside it reads.
 */
export function neutralizeName(text: string): string {
  return text
    .split(FLAGS)
    .map((part, index) =>
      index % 2 === 1 ? part : Array.from(part, (letter) => (isInvisible(letter) ? "\ufffd" : letter)).join(""),
    )
    .join("")
}

/** The same for controls of the writing direction alone; the length stays. */
export function neutralizeDirection(text: string): string {
  return text.replace(REORDERING, "\ufffd")
}

export function hasInvisible(text: string): boolean {
  for (const letter of text) if (isInvisible(letter)) return true
  return false
}

function isInvisible(letter: string): boolean {
  const code = letter.codePointAt(0) ?? 0
  return invisible.some(([first, last]) => first <= code && code <= last)
}
