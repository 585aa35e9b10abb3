// What any server on this library costs at least: every message to everybody else in its room, unread and unkept.
import { WebSocketServer } from "ws"
import { report } from "./report.mjs"

const rooms = new Map()
const server = new WebSocketServer({ port: 0, host: "127.0.0.1", perMessageDeflate: false })
server.on("connection", (socket, { url }) => {
  const room = rooms.get(url) ?? new Set()
  rooms.set(url, room.add(socket))
  socket.on("message", (message) => {
    for (const other of room) if (other !== socket) other.send(message, { binary: true })
  })
  socket.on("close", () => {
    room.delete(socket)
    if (room.size === 0) rooms.delete(url)
  })
})
server.on("listening", () => report(server.address().port))
