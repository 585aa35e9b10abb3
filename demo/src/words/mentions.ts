import type { GivenMention } from "@weft/sdk"

const pattern = /(?<![\p{L}\p{N}_])@([\p{L}\p{N}_.-]*[\p{L}\p{N}_])/gu

/** The places in a text that is being sent that name a member, as "@bob", or everyone. */
export function findMentions(text: string, members: readonly string[]): GivenMention[] {
  return Array.from(text.matchAll(pattern))
    .flatMap(({ 0: whole, 1: name = "", index }) => {
      const user = members.find((member) => member.toLowerCase() === name.toLowerCase())
      if (user === undefined && name.toLowerCase() !== "everyone") return []
      return [{ start: index, length: whole.length, user: user ?? null }]
    })
    .slice(0, 64)
}
