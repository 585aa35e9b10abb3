import { Line, type Weather } from "./line.ts"

/** The lines of a chaos run: one from the clients to each server, one for each pair of peers. */
export class Network {
  private readonly weathers = new Map<Line, Weather[]>()

  private constructor(
    private readonly clients: readonly Line[],
    private readonly peers: readonly { readonly from: number; readonly to: number; readonly line: Line }[],
  ) {}

  static async open(servers: number, portOf: (server: number) => number): Promise<Network> {
    const numbers = Array.from({ length: servers }, (_, server) => server)
    const pairs = numbers.flatMap((from) => numbers.filter((to) => to < from).map((to) => ({ from, to })))
    return new Network(
      await Promise.all(numbers.map((server) => Line.open(() => portOf(server)))),
      await Promise.all(pairs.map(async ({ from, to }) => ({ from, to, line: await Line.open(() => portOf(to)) }))),
    )
  }

  /** What a client is to connect to. */
  clientUrl(server: number): string {
    return `ws://127.0.0.1:${this.clients[server]?.port ?? 0}`
  }

  /** What a server is to connect to. */
  peerUrls(server: number): string[] {
    return this.peers.filter(({ from }) => from === server).map(({ line }) => `ws://127.0.0.1:${line.port}`)
  }

  linesOf(server: number, whose: "clients" | "peers" | "all"): Line[] {
    const client = this.clients[server]
    const peers = this.peers.filter(({ from, to }) => from === server || to === server).map(({ line }) => line)
    return [...(whose === "peers" || client === undefined ? [] : [client]), ...(whose === "clients" ? [] : peers)]
  }

  /** Puts lines under a weather; where several are over one line, the newest counts. Returns what lifts it. */
  impose(lines: readonly Line[], weather: Weather): () => void {
    for (const line of lines) this.change(line, [...(this.weathers.get(line) ?? []), weather])
    return () => {
      for (const line of lines) {
        this.change(
          line,
          (this.weathers.get(line) ?? []).filter((other) => other !== weather),
        )
      }
    }
  }

  async close(): Promise<void> {
    await Promise.all([...this.clients, ...this.peers.map(({ line }) => line)].map((line) => line.close()))
  }

  private change(line: Line, weathers: Weather[]): void {
    this.weathers.set(line, weathers)
    line.set(weathers.at(-1) ?? { kind: "clear" })
  }
}
