/* The proxy of the chaos runs: each weather does what it says, and nothing else. */
import { once } from "node:events"
import { connect, createServer, Socket } from "node:net"
import { expect, it, onTestFinished, vi } from "vitest"
import { Line } from "./line.js"

/** A line to a server, one connection through it, and the server's end of it. */
async function open(): Promise<{ line: Line; near: Socket; far: Socket }> {
  const server = createServer((socket) => socket.on("error", () => undefined))
  server.listen(0, "127.0.0.1")
  await once(server, "listening")
  const address = server.address()
  const line = await Line.open(() => (typeof address === "object" && address !== null ? address.port : 0))
  onTestFinished(async () => {
    await line.close()
    server.close()
  })
  const arrived = once(server, "connection")
  const near = connect(line.port, "127.0.0.1")
  const [far] = (await arrived) as [Socket]
  near.on("error", () => undefined)
  return { line, near, far }
}

/** Unlike `once`, takes a reset for an end. */
function closed(socket: Socket): Promise<void> {
  return new Promise((resolve) => socket.once("close", () => resolve()))
}

/** The next `length` bytes and the chunks that they came in. */
function receive(socket: Socket, length: number): Promise<Buffer[]> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = []
    const take = (chunk: Buffer): void => {
      chunks.push(chunk)
      if (Buffer.concat(chunks).length < length) return
      socket.off("data", take)
      resolve(chunks)
    }
    socket.on("data", take)
  })
}

it("carries bytes both ways, whatever the pace", async () => {
  const { line, near, far } = await open()
  for (const weather of [{ kind: "clear" }, { kind: "slow", ms: 5 }, { kind: "halved" }] as const) {
    line.set(weather)
    const bytes = Buffer.from(crypto.getRandomValues(new Uint8Array(50_000)))
    const there = receive(far, bytes.length)
    near.write(bytes)
    expect(Buffer.concat(await there).equals(bytes)).toBe(true)
    const back = receive(near, bytes.length)
    far.write(bytes)
    expect(Buffer.concat(await back).equals(bytes)).toBe(true)
  }
})

it("halves what is one chunk", async () => {
  const { line, near, far } = await open()
  line.set({ kind: "halved" })
  // Whether a reader sees them apart depends on when it looks: how they are written does not.
  const write = vi.spyOn(Socket.prototype, "write")
  onTestFinished(() => write.mockRestore())
  const arrived = receive(far, 9)
  near.write("a message")
  expect(Buffer.concat(await arrived).toString()).toBe("a message")
  expect(write.mock.calls.map(([chunk]) => String(chunk))).toEqual(["a message", "a mes", "sage"])
})

it("holds everything, new connections too, and loses nothing", async () => {
  const { line, near, far } = await open()
  line.set({ kind: "held" })
  const arrived: string[] = []
  far.on("data", (chunk) => arrived.push(String(chunk)))
  near.write("kept")
  const late = connect(line.port, "127.0.0.1")
  late.on("error", () => undefined)
  await once(late, "connect")
  near.end()
  expect(arrived).toEqual([])
  line.set({ kind: "clear" })
  await closed(far)
  expect(arrived).toEqual(["kept"])
  late.destroy()
})

it("cuts: both ends learn it", async () => {
  const { line, near, far } = await open()
  const ended = Promise.all([closed(near), closed(far)])
  line.cut()
  await ended
  expect(line.size).toBe(0)
})

it("tears: half of the next chunk, then nothing more", async () => {
  const { line, near, far } = await open()
  const arrived = receive(far, 4)
  const ended = Promise.all([closed(near), closed(far)])
  line.tear()
  near.write("halfgone")
  expect(Buffer.concat(await arrived).toString()).toBe("half")
  await ended
})

it.each(["far", "near"] as const)("half-open: the %s end has left, and the other learns it late", async (gone) => {
  const { line, near, far } = await open()
  const [leaves, stays] = gone === "far" ? [far, near] : [near, far]
  const left = closed(leaves)
  line.set({ kind: "half-open", gone })
  await left
  await new Promise<void>((resolve) => stays.write("into the void", () => resolve()))
  expect(stays.destroyed).toBe(false)
  line.set({ kind: "clear" })
  const learned = closed(stays)
  stays.write("still there?")
  await learned
})
