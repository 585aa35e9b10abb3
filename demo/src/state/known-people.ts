import { useClient, useConversations } from "@weft/sdk/react"
import { people } from "../words/people.js"

/** Most names that are offered to choose from. */
const MOST = 8

/** Who may be added: those of this device's conversations first, then the demo's own people; never the user. */
export function useKnownPeople(): readonly string[] {
  const { user } = useClient()
  const met = useConversations().flatMap((conversation) => conversation.info.get().members.map((member) => member.user))
  return Array.from(new Set<string>([...met, ...people]))
    .filter((name) => name !== user)
    .slice(0, MOST)
}
