// y-websocket 2's bundled server; with a folder as argument it keeps everything there by y-leveldb, as YPERSISTENCE makes it.
import { createServer } from "node:http"
import { createRequire } from "node:module"
import { report } from "./report.mjs"

const [folder] = process.argv.slice(2)
if (folder !== undefined) process.env.YPERSISTENCE = folder
const require = createRequire(import.meta.url)
const { setupWSConnection, getPersistence } = require("y-websocket/bin/utils")
const { WebSocketServer } = require("ws")

let stored = 0
const provider = getPersistence()?.provider
if (provider !== undefined) {
  const store = provider.storeUpdate.bind(provider)
  provider.storeUpdate = async (name, update) => {
    await store(name, update)
    stored++
  }
}

const sockets = new WebSocketServer({ noServer: true, perMessageDeflate: false })
sockets.on("connection", setupWSConnection)
const server = createServer()
server.on("upgrade", (request, socket, head) => {
  sockets.handleUpgrade(request, socket, head, (opened) => sockets.emit("connection", opened, request))
})
server.listen(0, "127.0.0.1", () => report(server.address().port, () => stored))
