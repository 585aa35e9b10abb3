import type { GivenMention } from "@weft/sdk"

/** Letters of words that spaces keep apart. Others stand right beside a name: a sign among them is no address. */
const LETTER = String.raw`(?![\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}])[\p{L}\p{N}_]`

const EVERYONE = "everyone"

/** The places in a text that is being sent that name a member, as "@bob", or everyone; the longest name that fits. */
export function findMentions(text: string, members: readonly string[]): GivenMention[] {
  const names = [...members, EVERYONE].sort((one, other) => other.length - one.length).map(escape)
  const pattern = new RegExp(String.raw`(?<!${LETTER})@(${names.join("|")})(?![.\-]?${LETTER})`, "giu")
  return Array.from(text.matchAll(pattern), ({ 0: whole, 1: name = "", index }) => ({
    start: index,
    length: whole.length,
    user: members.find((member) => member.toLowerCase() === name.toLowerCase()) ?? null,
  })).slice(0, 64)
}

function escape(name: string): string {
  return name.replace(/[\\^$.*+?()[\]{}|/]/g, String.raw`\$&`)
}
