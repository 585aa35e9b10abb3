import { holdsText } from "./contents.js"
import { Violation } from "./oracle.js"
import type { Stage } from "./stage.js"
import { shownItems } from "./views.js"

/** A disk that is slow and busy takes so many writes' time to note what its device was told. */
const WRITES = 4
const MARGIN_MS = 20

/**
 * Who met all servers again that lost their disks, shows nothing as sent that no server has: what was acknowledged by a
 * disk that is no more, counts no more. Said of devices with one tab: others hear of it later. Of a disk that was set back a
 * device hears by the comparison what it lacks.
 */
export function judgeTicks({ acks, oracle, devices, servers, world, hostile }: Stage): void {
  if (!oracle.serverLostData || hostile !== undefined) return
  for (const device of devices) {
    const [tab, ...others] = device.tabs
    if (tab?.client === undefined || others.length > 0) continue
    const noted = world.now - MARGIN_MS - WRITES * device.parts.manner.writeMs
    if (!acks.hasMetAgain(device.name, tab.openedAt, noted)) continue
    const { connection } = tab.client.status.get()
    if (!acks.isLossSaid && (connection.kind !== "online" || !connection.synced)) continue
    for (const { id, conversation, text, promised, erasedBy, device: author } of oracle.sayings.values()) {
      if (author !== device.name || promised !== "sent" || erasedBy.size > 0) continue
      if (oracle.removals.some((removal) => removal.conversation === conversation)) continue
      const shown = tab.client.conversation(conversation)
      const items = shown === undefined ? [] : shownItems(shown)
      if (items.find((item) => item.id === id)?.status !== "sent") continue
      if (servers.some(({ disk }) => holdsText(disk, text) !== undefined)) continue
      throw new Violation(
        "I1",
        `${device.name} shows ${text.slice(0, 40)} as sent, and every disk that had it was lost`,
      )
    }
  }
}
