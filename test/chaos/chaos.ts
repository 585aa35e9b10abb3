/*
 * A chaos run: real servers, real sockets, clients in processes of their own, a seeded plan of what goes wrong in each
 * round, and a recorder that knows only what clients saw. [DESIGN I1-I6]
 *
 * The plan replays by its seed. What the processes make of it does not: their timing is the machine's.
 */
import { rmSync } from "node:fs"
import { mkdtemp } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { randomOf } from "../support/seed.ts"
import { auditServers, awaitAgreement } from "./audit.ts"
import { castRoles, groupCount, membersOf, type Role } from "./cast.ts"
import { SmallDisk } from "./disk.ts"
import { pause, runFault } from "./faults.ts"
import type { HostEvent, Opening } from "./host-protocol.ts"
import { Host, HostGone } from "./host.ts"
import { Network } from "./network.ts"
import { Node } from "./node.ts"
import { describeFault, planRound, SERVERS, SMALL_DISK, type FaultKind, type Writing } from "./plan.ts"
import { Recorder } from "./recorder.ts"

export interface ChaosOptions {
  readonly rounds: number
  /** No round begins after so long. */
  readonly minutes: number
  readonly seed: number
  readonly clients: number
  /** Rounds after which everything is compared; the last one always is. */
  readonly auditEvery: number
  readonly print: (line: string) => void
}

export interface ChaosResult {
  /** That were played. */
  readonly rounds: number
  readonly passed: number
  readonly failed: number
  readonly faults: ReadonlyMap<FaultKind, number>
}

/** Clients that are looked at after each round. */
const GLANCES = 5
const GLANCE_MESSAGES = 50
const FILLER = "ünï✓😀 text "
const MEMORY_HOSTS = 2
/** Its clients have LevelDB. */
const LEVEL_HOST = MEMORY_HOSTS

export class ChaosRun {
  readonly recorder = new Recorder()
  readonly roles: readonly Role[]
  /** Ids, by index. */
  readonly conversations: string[] = []
  readonly nodes: readonly Node[]
  private readonly hosts: (Host | undefined)[] = []
  private readonly faults = new Map<FaultKind, number>()
  private played = 0
  private passed = 0
  private failed = 0
  private texts = 0

  private constructor(
    readonly options: ChaosOptions,
    private readonly folder: string,
    private readonly disk: SmallDisk | undefined,
    private readonly network: Network,
    makeNode: (server: number, onError: (line: string) => void) => Node,
  ) {
    this.roles = castRoles(options.clients, SERVERS)
    this.nodes = Array.from({ length: SERVERS }, (_, server) =>
      makeNode(server, (line) => {
        // a full disk is told as an error, and is one; anything else is none that chaos may cause
        if (this.disk === undefined || server !== SMALL_DISK || !/STORE_|ENOSPC|No space/.test(line))
          this.recorder.violate(`server ${server} logged an error: ${line}`)
      }),
    )
  }

  static async run(options: ChaosOptions): Promise<ChaosResult> {
    const folder = await mkdtemp(join(tmpdir(), "weft-chaos-"))
    const disk = await SmallDisk.mount()
    const clean = (): void => {
      disk?.unmount()
      rmSync(folder, { recursive: true, force: true, maxRetries: 5 })
    }
    // where the run is interrupted; children are killed by who started them, which was registered before
    process.once("exit", clean)
    const nodes: Node[] = []
    const network = await Network.open(SERVERS, (server) => nodes[server]?.port ?? 1)
    const run = new ChaosRun(options, folder, disk, network, (server, onError) => {
      const data = server === SMALL_DISK && disk !== undefined ? disk.folder : folder
      const args = (): string[] => network.peerUrls(server).flatMap((url) => ["--peer", url])
      const node = new Node(join(data, `server-${server}`), args, onError)
      nodes.push(node)
      return node
    })
    try {
      await run.play()
    } catch (error) {
      // a server that does not start again, a process that is gone: not what chaos may cause
      run.failed++
      options.print(
        `FAILED (seed ${options.seed}): ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`,
      )
    } finally {
      await run.close()
      process.off("exit", clean)
      clean()
    }
    return { rounds: run.played, passed: run.passed, failed: run.failed, faults: run.faults }
  }

  serverUrl(server: number): string {
    return `ws://127.0.0.1:${this.nodes[server]?.port ?? 0}`
  }

  get liveHosts(): Host[] {
    return this.hosts.filter((host) => host !== undefined)
  }

  /** Where a client lives; undefined while that process is down. */
  hostOf(role: Role): Host | undefined {
    return this.hosts[hostIndex(role)]
  }

  private async play(): Promise<void> {
    const { rounds, minutes, seed, clients, auditEvery, print } = this.options
    const without: FaultKind[] = this.disk === undefined ? ["full disk"] : []
    if (this.disk === undefined) print("no full disks: this machine lets us mount none")
    const started = performance.now()
    await this.open()
    print(`${clients} clients in ${this.conversations.length} conversations, after ${secondsSince(started)} s`)
    for (let round = 1; round <= rounds; round++) {
      const plan = planRound(seed, round, clients, without)
      await this.check(`round ${round}`, async () => {
        // all of them to their ends, so that none goes on behind the run's back
        const outcomes = await Promise.allSettled([
          ...plan.faults.map((fault) => runFault(fault, this.faultPorts)),
          this.write(plan.writings, round),
        ])
        for (const outcome of outcomes) if (outcome.status === "rejected") throw outcome.reason
        await this.glance(round)
      })
      for (const { kind } of plan.faults) this.faults.set(kind, (this.faults.get(kind) ?? 0) + 1)
      const { sent, rejected, typed, saved, uncertain } = this.recorder.counts
      print(
        `round ${round}: ${plan.faults.map(describeFault).join(", ")}; ${this.texts} typed, ${sent} acknowledged, ` +
          `${typed + saved} waiting, ${rejected} rejected, ${uncertain} uncertain`,
      )
      this.played = round
      const isLast = round === rounds || performance.now() - started > minutes * 60_000
      if (round % auditEvery === 0 || isLast) await this.audit(round)
      if (isLast || this.failed > 0) break
    }
  }

  private async audit(round: number): Promise<void> {
    const started = performance.now()
    const { print } = this.options
    const expected = await this.check(`after round ${round}: all clients agree`, () => awaitAgreement(this))
    const healed = secondsSince(started)
    await auditServers(this, expected, (name, task) => this.check(`after round ${round}: ${name}`, task))
    const { sent, rejected, uncertain } = this.recorder.counts
    print(
      `audit after round ${round}: healed after ${healed} s, read from each server after ${secondsSince(started)} s; ` +
        `${sent} acknowledged, ${rejected} rejected, ${uncertain} uncertain, ${this.recorder.violations.length} violations`,
    )
  }

  /** One check: passed where it adds no violation. */
  private async check<T>(name: string, task: () => Promise<T>): Promise<T> {
    const before = this.recorder.violations.length
    const result = await task()
    const found = this.recorder.violations.slice(before)
    if (found.length === 0) this.passed++
    else {
      this.failed++
      this.options.print(`FAILED ${name} (seed ${this.options.seed}): ${found.length} violations`)
      for (const violation of found.slice(0, 10)) this.options.print(`  ${violation}`)
    }
    return result
  }

  private async open(): Promise<void> {
    const starting = Array.from({ length: MEMORY_HOSTS + 1 }, (_, index) => this.startHost(index))
    await Promise.all([...this.nodes.map((node) => node.start()), ...starting])
    const creators = this.roles.filter(({ isCreator }) => isCreator)
    for (const creator of creators.slice(0, groupCount(this.options.clients))) {
      const [group = 0] = creator.conversations
      const { conversation = "" } = await this.demandHost(creator).ask({
        kind: "create",
        client: creator.client,
        title: `conversation ${group}`,
        members: membersOf(group, this.roles),
      })
      this.conversations[group] = conversation
    }
    await Promise.all(
      this.roles.flatMap((role) =>
        role.conversations.map((index) =>
          this.demandHost(role).ask({ kind: "join", client: role.client, conversation: this.idOf(index) }),
        ),
      ),
    )
  }

  private async startHost(index: number): Promise<void> {
    const host = await Host.start((event) => this.onEvent(event))
    const clients = this.roles.filter((role) => hostIndex(role) === index).map((role) => this.openingOf(role))
    await host.ask({ kind: "open", clients })
    this.hosts[index] = host
  }

  private openingOf({ client, user, servers, hasLevel }: Role): Opening {
    return {
      client,
      user,
      servers: servers.map((server) => this.network.clientUrl(server)),
      ...(hasLevel ? { directory: join(this.folder, `client-${client}`) } : {}),
    }
  }

  private onEvent(event: HostEvent): void {
    if (event.kind === "crashed") this.recorder.violate(`a client threw what nobody caught: ${event.error}`)
    else if (event.kind !== "ready") this.recorder.reach(event.text, event.kind)
  }

  private get faultPorts() {
    return {
      nodes: this.nodes,
      network: this.network,
      disk: this.disk,
      killClients: async () => {
        const host = this.hosts[LEVEL_HOST]
        this.hosts[LEVEL_HOST] = undefined
        await host?.kill()
        this.recorder.died(new Set(this.roles.filter(({ hasLevel }) => hasLevel).map(({ client }) => client)))
      },
      startClients: () => this.startHost(LEVEL_HOST),
    }
  }

  private async write(writings: readonly Writing[], round: number): Promise<void> {
    const started = performance.now()
    for (const { at, client, conversation, length } of writings) {
      await pause(Math.max(0, started + at - performance.now()))
      const role = this.roleOf(client)
      const host = this.hostOf(role)
      // nobody types into a process that is down
      if (host === undefined) continue
      const id = this.idOf(role.conversations[conversation % role.conversations.length] ?? 0)
      const text = `${round}.${++this.texts} by ${client} ${FILLER.repeat(Math.ceil(length / FILLER.length))}`
      this.recorder.type(text, id, client, role.user)
      host.ask({ kind: "write", client, conversation: id, text }).catch((error: unknown) => {
        if (!(error instanceof HostGone)) this.recorder.violate(`client ${client} could not write: ${String(error)}`)
      })
    }
  }

  /** What some clients show at this moment, whatever is still under way. */
  private async glance(round: number): Promise<void> {
    const random = randomOf((this.options.seed * 31 + round) >>> 0)
    for (let glances = 0; glances < GLANCES; glances++) {
      const role = random.pick(this.roles)
      const id = this.idOf(random.pick(role.conversations))
      await this.look(role, id, GLANCE_MESSAGES)
    }
  }

  /** Shows the recorder what a client shows; what it says of its own messages, too. */
  async look(role: Role, id: string, newest?: number): Promise<void> {
    const limit = newest === undefined ? {} : { newest }
    const { items = [] } = await this.demandHost(role).ask({
      kind: "read",
      client: role.client,
      conversation: id,
      ...limit,
    })
    const shown = items.filter(({ status }) => status !== "rejected")
    this.recorder.show(`client ${role.client}`, id, role.user, shown)
    for (const { mine, text, status } of items) {
      // What its readers have was acknowledged before.
      if (mine && status !== "saving") {
        this.recorder.reach(text, status === "delivered" || status === "read" ? "sent" : status)
      }
    }
  }

  demandHost(role: Role): Host {
    const host = this.hostOf(role)
    if (host === undefined) throw new TypeError("all processes run between faults")
    return host
  }

  private roleOf(client: number): Role {
    const role = this.roles[client]
    if (role === undefined) throw new RangeError(`there is no client ${client}`)
    return role
  }

  private idOf(index: number): string {
    const id = this.conversations[index]
    if (id === undefined) throw new RangeError(`there is no conversation ${index}`)
    return id
  }

  private async close(): Promise<void> {
    await Promise.all(this.liveHosts.map((host) => host.kill()))
    await Promise.all(this.nodes.map((node) => node.kill()))
    await this.network.close()
  }
}

function hostIndex({ client, hasLevel }: Role): number {
  return hasLevel ? LEVEL_HOST : client % MEMORY_HOSTS
}

function secondsSince(started: number): string {
  return ((performance.now() - started) / 1000).toFixed(1)
}
