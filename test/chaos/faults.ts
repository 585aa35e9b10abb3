import type { SmallDisk } from "./disk.ts"
import type { Network } from "./network.ts"
import type { Node } from "./node.ts"
import type { Fault } from "./plan.ts"

export interface FaultPorts {
  readonly nodes: readonly Node[]
  readonly network: Network
  readonly disk: SmallDisk | undefined
  killClients(): Promise<void>
  startClients(): Promise<void>
}

/** Does what a fault says, from its start to its end; all is whole again when this resolves. */
export async function runFault(fault: Fault, ports: FaultPorts): Promise<void> {
  await pause(fault.from)
  const end = await begin(fault, ports)
  await pause(fault.until - fault.from)
  await end()
}

/** Returns what ends it. */
async function begin(fault: Fault, ports: FaultPorts): Promise<() => Promise<void> | void> {
  const { nodes, network, disk } = ports
  const server = fault.server ?? 0
  const node = nodes[server]
  if (node === undefined) throw new RangeError(`there is no server ${server}`)
  const all = network.linesOf(server, "all")
  switch (fault.kind) {
    case "kill":
      await node.kill()
      return () => node.start()
    case "kill all":
      await Promise.all(nodes.map((each) => each.kill()))
      return () => startAll(nodes)
    case "wipe":
      await node.wipe()
      return () => node.start()
    case "wipe all":
      await Promise.all(nodes.map((each) => each.wipe()))
      return () => startAll(nodes)
    case "freeze":
      node.freeze()
      return () => {
        node.thaw()
      }
    case "full disk":
      await disk?.fill()
      return () => disk?.empty()
    case "kill clients":
      await ports.killClients()
      return () => ports.startClients()
    case "isolate":
      return network.impose(all, { kind: "held" })
    case "split":
      return network.impose(network.linesOf(server, "peers"), { kind: "held" })
    case "unreachable":
      return network.impose(network.linesOf(server, "clients"), { kind: "held" })
    case "half-open":
      return network.impose(all, { kind: "half-open", gone: fault.chance < 0.5 ? "near" : "far" })
    case "delay":
      return network.impose(all, { kind: "slow", ms: 20 + Math.round(fault.chance * 180) })
    case "halve":
      return network.impose(all, { kind: "halved" })
    case "cut":
    case "tear":
      return thrice(fault, () => {
        for (const line of all)
          if (fault.kind === "cut") line.cut()
          else line.tear()
      })
  }
}

/** At the beginning, in the middle and at the end. */
function thrice(fault: Fault, act: () => void): () => void {
  act()
  const middle = setTimeout(act, (fault.until - fault.from) / 2)
  return () => {
    clearTimeout(middle)
    act()
  }
}

async function startAll(nodes: readonly Node[]): Promise<void> {
  await Promise.all(nodes.map((node) => node.start()))
}

export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
