// automerge-repo's sync server, put together as its own package does; documents are kept as files in the folder of the argument.
import { createServer } from "node:http"
import { Repo } from "@automerge/automerge-repo"
import { WebSocketServerAdapter } from "@automerge/automerge-repo-network-websocket"
import { NodeFSStorageAdapter } from "@automerge/automerge-repo-storage-nodefs"
import { WebSocketServer } from "ws"
import { report } from "./report.mjs"

const [folder] = process.argv.slice(2)
const sockets = new WebSocketServer({ noServer: true, perMessageDeflate: false })
new Repo({
  // Its own default ends connections that do not answer for five seconds, as clients that share a process do.
  network: [new WebSocketServerAdapter(sockets, 3_600_000)],
  storage: new NodeFSStorageAdapter(folder),
  peerId: "server",
  // Since this is a server: what nobody asks for is told nobody.
  sharePolicy: async () => false,
})
const server = createServer()
server.on("upgrade", (request, socket, head) => {
  sockets.handleUpgrade(request, socket, head, (opened) => sockets.emit("connection", opened, request))
})
server.listen(0, "127.0.0.1", () => report(server.address().port))
