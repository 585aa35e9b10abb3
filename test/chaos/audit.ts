/* What must hold when all has healed: one list everywhere, on every client and every server. */
import { AUDITOR, type Role } from "./cast.ts"
import type { ChaosRun } from "./chaos.ts"
import { pause } from "./faults.ts"
import type { ClientView } from "./host-protocol.ts"
import { Host } from "./host.ts"

/**
 * How long nothing may change while it is not as it should be: longer than the longest backoff of a client, a peer and a
 * refused update together. Reading a hundred thousand messages anew takes longer, and is no fault while it goes on.
 */
const HEALING_LIMIT_MS = 180_000
/** However much changes. */
const HEALING_MOST_MS = 1_800_000
const LOOK_MS = 300

/** The SHA-256 of each conversation's projection, by its id. */
export type Projections = ReadonlyMap<string, string>

type Run = Pick<
  ChaosRun,
  "recorder" | "roles" | "conversations" | "nodes" | "liveHosts" | "demandHost" | "look" | "serverUrl"
>

/** Waits until no client has anything under way and all hold the same, by themselves; then compares what they show. */
export async function awaitAgreement(run: Run): Promise<Projections> {
  const apart = await whatStays(async () => findApart(run, await viewsOf(run.liveHosts, false)))
  for (const reason of apart) run.recorder.violate(`does not heal: ${reason}`)
  const views = await viewsOf(run.liveHosts, true)
  for (const text of views.flatMap(({ conversations }) => conversations.flatMap(({ rejected }) => rejected)))
    run.recorder.reach(text, "rejected")
  // These clients' processes died; what became of what they wrote before is in their lists alone.
  for (const role of run.roles.filter(({ hasLevel }) => hasLevel)) await lookAtAll(run, role)
  run.recorder.demandSettled()
  return compareProjections(run, views)
}

/** Looks again and again until nothing is found; what is found in the end stays as it is. */
async function whatStays(find: () => Promise<readonly string[]>): Promise<readonly string[]> {
  const started = Date.now()
  let changed = started
  let found = await find()
  while (found.length > 0 && Date.now() < Math.min(changed + HEALING_LIMIT_MS, started + HEALING_MOST_MS)) {
    await pause(LOOK_MS)
    const next = await find()
    if (next.join() !== found.join()) changed = Date.now()
    found = next
  }
  return found
}

async function lookAtAll(run: Run, role: Role): Promise<void> {
  for (const index of role.conversations) await run.look(role, run.conversations[index] ?? "")
}

async function viewsOf(hosts: readonly Host[], whole: boolean): Promise<ClientView[]> {
  const answers = await Promise.all(hosts.map((host) => host.ask({ kind: "views", whole })))
  return answers.flatMap(({ views = [] }) => views)
}

/** What keeps clients from agreeing. */
function findApart(run: Run, views: readonly ClientView[]): string[] {
  const apart: string[] = []
  const digests = new Map<string, Map<string, number[]>>()
  for (const { client, connection, pending, conversations } of views) {
    if (pending !== "[]") apart.push(`client ${client} waits: ${pending} ${connection}`)
    if (conversations.length !== run.roles[client]?.conversations.length)
      apart.push(`client ${client} has ${conversations.length} conversations`)
    for (const { id, digest, unsettled } of conversations) {
      if (unsettled > 0) apart.push(`client ${client} has ${unsettled} messages under way: ${connection}`)
      const byDigest = digests.get(id) ?? new Map<string, number[]>()
      digests.set(id, byDigest.set(digest, [...(byDigest.get(digest) ?? []), client]))
    }
  }
  for (const [id, byDigest] of digests) {
    if (byDigest.size > 1)
      apart.push(`${byDigest.size} digests of ${id}: ${JSON.stringify(Array.from(byDigest.values()))}`)
  }
  return apart
}

function compareProjections(run: Run, views: readonly ClientView[]): Projections {
  const projections = new Map<string, string>()
  for (const { client, conversations } of views) {
    for (const { id, projection } of conversations) {
      const first = projections.get(id) ?? projection
      projections.set(id, first)
      if (first !== projection) run.recorder.violate(`client ${client} shows ${projection} of ${id}, others ${first}`)
    }
  }
  return projections
}

/** Reads every conversation from every server, with devices that know nothing. */
export async function auditServers(
  run: Run,
  expected: Projections,
  check: (name: string, task: () => Promise<void>) => Promise<void>,
): Promise<void> {
  const host = await Host.start((event) => {
    if (event.kind === "crashed") run.recorder.violate(`an auditor threw what nobody caught: ${event.error}`)
  })
  try {
    const clients = run.nodes.map((_, client) => ({ client, user: AUDITOR, servers: [run.serverUrl(client)] }))
    await host.ask({ kind: "open", clients })
    let views: ClientView[] = []
    await whatStays(async () => findUnlike((views = await viewsOf([host], true)), expected))
    for (const { client } of clients) {
      await check(`server ${client} has everything`, async () => {
        for (const unlike of findUnlike(views, expected, client)) run.recorder.violate(unlike)
        for (const conversation of run.conversations) {
          const { items = [] } = await host.ask({ kind: "read", client, conversation })
          run.recorder.demandAll(`server ${client}`, conversation, AUDITOR, items)
        }
      })
    }
    await host.ask({ kind: "close" })
  } finally {
    await host.kill()
  }
}

function findUnlike(views: readonly ClientView[], expected: Projections, only?: number): string[] {
  return views.flatMap(({ client, connection, conversations }) => {
    if (only !== undefined && client !== only) return []
    const found = new Map(conversations.map(({ id, projection }) => [id, projection]))
    return Array.from(expected).flatMap(([id, projection]) =>
      found.get(id) === projection
        ? []
        : [`server ${client} shows ${found.get(id) ?? "nothing"} of ${id}, clients ${projection}: ${connection}`],
    )
  })
}
