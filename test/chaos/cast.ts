/* Who takes part in a chaos run: clients, the users whose devices they are, and their conversations. */

const GROUP = 10
/** Places in a group whose clients are second devices of the users at the first places. */
const SECOND_DEVICES = 8
/** Places whose users also belong to the next group's conversation. */
const GUESTS: readonly number[] = [2, 3]
/** The place whose client keeps its data in LevelDB, in a process that is killed. */
const LEVEL_PLACE = 5
const PINNED_EVERY = 4
/** Reads everything, from each server, when all has healed. Member of every conversation. */
export const AUDITOR = "auditor"

export interface Role {
  readonly client: number
  readonly user: string
  /** Indexes of its conversations, its own group's first. */
  readonly conversations: readonly number[]
  readonly isCreator: boolean
  readonly hasLevel: boolean
  /** Indexes of the servers that it knows, in its order. */
  readonly servers: readonly number[]
}

export function castRoles(clients: number, servers: number): Role[] {
  const groups = groupCount(clients)
  return Array.from({ length: clients }, (_, client) => {
    const group = client % groups
    const place = Math.floor(client / groups)
    const order = Array.from({ length: servers }, (__, offset) => (client + place + offset) % servers)
    const guest = GUESTS.includes(place) && groups > 1
    return {
      client,
      user: `user-${group}-${place >= SECOND_DEVICES ? place - SECOND_DEVICES : place}`,
      conversations: guest ? [group, (group + 1) % groups] : [group],
      isCreator: place === 0,
      hasLevel: place === LEVEL_PLACE,
      // Some know one server only, and wait for it.
      servers: place % PINNED_EVERY === 1 ? order.slice(0, 1) : order,
    }
  })
}

export function groupCount(clients: number): number {
  return Math.ceil(clients / GROUP)
}

export function membersOf(conversation: number, roles: readonly Role[]): string[] {
  const members = roles.filter(({ conversations }) => conversations.includes(conversation)).map(({ user }) => user)
  return [...new Set(members), AUDITOR]
}
