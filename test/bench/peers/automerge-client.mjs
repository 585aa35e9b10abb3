// Clients of automerge-repo for the load; in this folder, where its packages are.
import { cbor, ImmutableString, Repo } from "@automerge/automerge-repo"
import { WebSocketClientAdapter } from "@automerge/automerge-repo-network-websocket"

/** What a client says first. */
export function joinMessage(senderId) {
  return cbor.encode({ type: "join", senderId, peerMetadata: {}, supportedProtocolVersions: ["1"] })
}

/** A client that is connected. */
export async function connectRepo(url) {
  const repo = new Repo({ network: [new WebSocketClientAdapter(url)] })
  await new Promise((resolve) => repo.networkSubsystem.once("peer", resolve))
  return {
    /** The URL of a new document. */
    create: () => repo.create({ entries: [] }).url,
    /** Opens a document, which may be on its way to the server; `changed` is told how many entries it has. */
    async open(document, changed) {
      const handle = await find(repo, document)
      handle.on("change", ({ doc }) => {
        const { length } = doc.entries
        // Who is told may write at once, which a document that is just changing does not take.
        queueMicrotask(() => changed(length))
      })
      return {
        push(entries) {
          // A text that nobody edits is no list of letters.
          const made = entries.map((entry) => ({ ...entry, text: new ImmutableString(entry.text) }))
          handle.change((draft) => {
            draft.entries.push(...made)
          })
        },
      }
    },
  }
}

async function find(repo, document) {
  for (;;) {
    try {
      return await repo.find(document)
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
  }
}
