// automerge-repo's sync server: a Repo that shares everything and, with a folder as argument, keeps it there.
import { Repo } from "@automerge/automerge-repo"
import { WebSocketServerAdapter } from "@automerge/automerge-repo-network-websocket"
import { NodeFSStorageAdapter } from "@automerge/automerge-repo-storage-nodefs"
import { WebSocketServer } from "ws"
import { report } from "./report.mjs"

const [folder] = process.argv.slice(2)
const sockets = new WebSocketServer({ port: 0, host: "127.0.0.1", perMessageDeflate: false })
new Repo({
  network: [new WebSocketServerAdapter(sockets)],
  ...(folder !== undefined && { storage: new NodeFSStorageAdapter(folder) }),
  peerId: "server",
  sharePolicy: async () => false,
})
sockets.on("listening", () => report(sockets.address().port))
