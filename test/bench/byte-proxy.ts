import { createServer, connect, type AddressInfo, type Socket } from "node:net"

export interface Traffic {
  /** Bytes of TCP's payload: with WebSocket frames, without headers of TCP and IP. */
  readonly up: number
  readonly down: number
  /** How often the client spoke after it had heard something: one is one round trip. */
  readonly flights: number
}

/** Counts what goes between clients and a server. */
export class ByteProxy {
  #up = 0
  #down = 0
  #flights = 0
  #lastUp = false
  readonly #sockets = new Set<Socket>()
  readonly #server

  private constructor(target: URL) {
    this.#server = createServer((client) => {
      const server = connect(Number(target.port), target.hostname)
      for (const socket of [client, server]) {
        socket.setNoDelay(true)
        this.#sockets.add(socket)
        socket.on("close", () => this.#sockets.delete(socket))
        socket.on("error", () => socket.destroy())
      }
      client.on("data", (bytes) => {
        this.#up += bytes.length
        if (!this.#lastUp) this.#flights++
        this.#lastUp = true
        server.write(bytes)
      })
      server.on("data", (bytes) => {
        this.#down += bytes.length
        this.#lastUp = false
        client.write(bytes)
      })
      client.on("end", () => server.end())
      server.on("end", () => client.end())
    })
  }

  static async start(url: string): Promise<ByteProxy> {
    const proxy = new ByteProxy(new URL(url))
    await new Promise<void>((resolve) => proxy.#server.listen(0, "127.0.0.1", resolve))
    return proxy
  }

  get url(): string {
    return `ws://127.0.0.1:${String((this.#server.address() as AddressInfo).port)}`
  }

  /** What went through since the last call. */
  take(): Traffic {
    const traffic = { up: this.#up, down: this.#down, flights: this.#flights }
    this.#up = this.#down = this.#flights = 0
    this.#lastUp = false
    return traffic
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy()
    await new Promise((resolve) => this.#server.close(resolve))
  }
}
