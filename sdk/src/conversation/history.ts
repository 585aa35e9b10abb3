import { clockMs } from "../protocol/entry.js"
import type { Edit } from "./edits.js"
import type { Version } from "./message.js"
import type { Node } from "./node.js"
import { messageIdParts } from "./said.js"

/** The texts of a message in the order of their writing: its own, then one for each edit. */
export function versionsOf({ id, entry, said }: Node, edits: readonly Edit[]): Version[] {
  if (said?.kind !== "message") return []
  const { text, mentions } = said
  const first = { id, at: clockMs(entry.head.clock), device: entry.device, text, mentions }
  return [
    first,
    ...edits.map((edit) => ({
      id: edit.id,
      at: clockMs(edit.clock),
      device: messageIdParts(edit.id)?.device ?? entry.device,
      text: edit.text,
      mentions: edit.mentions,
    })),
  ]
}
