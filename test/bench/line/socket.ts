import { WebSocket } from "ws"

/** A socket whose messages are handed on from the first one. */
export async function openSocket(url: string, onMessage: (bytes: Uint8Array) => void): Promise<WebSocket> {
  const socket = new WebSocket(url, { perMessageDeflate: false })
  socket.binaryType = "nodebuffer"
  socket.on("message", (data: Buffer) => onMessage(new Uint8Array(data.buffer, data.byteOffset, data.byteLength)))
  await new Promise<void>((resolve, reject) => {
    socket.once("open", resolve)
    socket.once("error", reject)
  })
  return socket
}
