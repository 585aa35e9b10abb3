import { randomOf } from "../support/seed.js"
import { createConversation } from "./acting.js"
import { differences, judge, judgeView, unrest } from "./judge.js"
import { act, chooseOperations, LATEST, type Choice, type Operation } from "./operations.js"
import { letsGo } from "./letting-go.js"
import { Violation } from "./oracle.js"
import { Stage } from "./stage.js"
import { judgeImprints } from "./judge-imprints.js"
import { isAnybodyJoining } from "./judge-meetings.js"
import { judgeTicks } from "./ticks.js"
import { shownItems } from "./views.js"

/** Operations between two looks at what disks say of themselves. */
const IMPRINTS_EVERY = 5
/** How long repair may take when nothing disturbs it any more; simulated. The slowest retries wait a minute, and a clock ten minutes ahead is waited for. */
const QUIET_LIMIT_MS = 15 * 60_000
/** Repair takes some thousands of events; who needs so many turns in a circle. */
const QUIET_LIMIT_EVENTS = 150_000
/** Who waits to be let in is in sync with all else meanwhile, and asks again after this long at the latest. [SPEC R1, R5] */
const LAST_RETRY_MS = 60_000

export interface Played {
  /** Equal for two plays of a seed. */
  readonly hash: string
  readonly events: number
  readonly messages: number
  readonly acknowledged: number
  readonly failure: { readonly invariant: string; readonly text: string } | undefined
}

export interface PlayOptions {
  /** Is told what happens. */
  readonly write?: ((line: string) => void) | undefined
  /** Of those who mean harm, too. */
  readonly generation?: number | undefined
}

/** Other kinds of operations change what a seed plays. */
export function operationsOf(seed: number, count: number, choice?: Choice): Operation[] {
  const generation = choice !== undefined && "generation" in choice ? choice.generation : undefined
  const sparesServers = letsGo(seed, generation ?? LATEST)
  const all = choice !== undefined && "kinds" in choice ? choice : { ...choice, sparesServers }
  return chooseOperations(randomOf(seed ^ 0x5eed), count, all)
}

/** Plays a seed's operations on a fresh world, heals it, waits until it is quiet, and judges. */
export async function play(
  seed: number,
  operations: readonly Operation[],
  { write, generation = LATEST }: PlayOptions = {},
): Promise<Played> {
  const stage = new Stage(seed, generation, write)
  const onError = (error: unknown): void => {
    stage.errors.push(error)
  }
  process.on("uncaughtException", onError)
  process.on("unhandledRejection", onError)
  let failure: Played["failure"]
  try {
    await run(stage, operations)
    stage.trace.tell("judged: all invariants hold")
  } catch (error) {
    const invariant = error instanceof Violation ? error.invariant : "ERROR"
    const text =
      error instanceof Violation ? error.message : error instanceof Error ? (error.stack ?? "") : String(error)
    failure = { invariant, text }
    stage.trace.tell(`violated: ${text}`)
  } finally {
    process.off("uncaughtException", onError)
    process.off("unhandledRejection", onError)
    stage.end()
  }
  const sayings = Array.from(stage.oracle.sayings.values())
  return {
    hash: stage.trace.hash,
    events: stage.world.events,
    messages: sayings.length,
    acknowledged: sayings.filter(({ promised }) => promised === "sent").length,
    failure,
  }
}

async function run(stage: Stage, operations: readonly Operation[]): Promise<void> {
  const { world, servers, devices, trace } = stage
  for (const server of servers) server.start()
  for (const device of devices) device.openTab()
  await world.run(50)
  createConversation(stage, devices[0]!, 0)
  await world.run(stage.random.below(3_000))
  let count = 0
  for (const operation of operations) {
    await world.run(operation.gap)
    for (const device of devices) device.look()
    judgeTicks(stage)
    trace.mark(operation.kind, "", count++)
    act(stage, operation)
    misbehave(stage, operation)
    if (count % 40 === 0) lookAround(stage, count)
    if (count % IMPRINTS_EVERY === 0) await judgeImprints(stage)
    demandNoErrors(stage)
  }
  await world.run(1_000)
  stage.heal()
  await settle(stage)
  if (isAnybodyJoining(stage)) {
    await world.run(LAST_RETRY_MS)
    await settle(stage)
  }
  await judgeImprints(stage)
  await judge(stage)
}

function misbehave(stage: Stage, { a }: Operation): void {
  const { hostileDevice } = stage
  if (hostileDevice !== undefined) stage.background("misdeed", hostileDevice.act(stage.server(a).name))
}

function lookAround(stage: Stage, number: number): void {
  const device = stage.device(number / 40)
  for (const conversation of device.client?.conversations.get() ?? []) {
    judgeView(stage, { device, items: shownItems(conversation) })
  }
}

async function settle(stage: Stage): Promise<void> {
  const end = stage.world.now + QUIET_LIMIT_MS
  const lastEvent = stage.world.events + QUIET_LIMIT_EVENTS
  for (;;) {
    await stage.world.run(5_000)
    for (const device of stage.devices) device.look()
    demandNoErrors(stage)
    const reason = await unrest(stage)
    if (reason === undefined) return
    const { now, events } = stage.world
    if (now >= end || events >= lastEvent) {
      const after = now >= end ? "15 minutes of peace" : `${QUIET_LIMIT_EVENTS} events`
      throw new Violation("I6", `after ${after}: ${reason} (${differences(stage)})`)
    }
    for (const device of stage.devices) {
      if (device.tabs.length === 0) device.openTab()
      for (const { client } of device.tabs) if (client?.status.get().connection.kind === "offline") client.goOnline()
    }
  }
}

function demandNoErrors(stage: Stage): void {
  const [error] = [...stage.errors, ...stage.servers.flatMap(({ errors }) => errors)]
  if (error !== undefined) throw error as Error
}
