import { fork, type ChildProcess } from "node:child_process"
import { once } from "node:events"
import { buildProgram } from "../support/program.ts"
import type { Answer, HostEvent, Request, Told } from "./host-protocol.ts"

const running = new Set<ChildProcess>()
process.on("exit", () => {
  for (const child of running) child.kill("SIGKILL")
})

/** A process that holds clients. It never outlives this one. */
export class Host {
  private readonly child: ChildProcess
  private readonly gone: Promise<unknown>
  private readonly ready: Promise<void>
  private readonly asked = new Map<number, { resolve: (answer: Answer) => void; reject: (error: Error) => void }>()
  private lastId = 0
  private alive = true

  private constructor(program: string, onEvent: (event: HostEvent) => void) {
    const child = fork(program, { stdio: "inherit", execArgv: [] })
    this.child = child
    running.add(child)
    this.gone = once(child, "exit").finally(() => {
      running.delete(child)
      this.alive = false
      for (const { reject } of this.asked.values()) reject(new HostGone())
      this.asked.clear()
    })
    this.ready = new Promise((resolve, reject) => {
      child.on("message", (told: Told) => {
        if (!("event" in told)) this.settle(told)
        else if (told.event.kind === "ready") resolve()
        else onEvent(told.event)
      })
      this.gone.then(() => {
        reject(new HostGone())
      }, reject)
    })
  }

  static async start(onEvent: (event: HostEvent) => void): Promise<Host> {
    const host = new Host(await buildProgram("test/chaos/client-host.ts"), onEvent)
    await host.ready
    return host
  }

  /** Rejects with HostGone where the process dies first. */
  ask(request: Request): Promise<Answer> {
    if (!this.alive) return Promise.reject(new HostGone())
    const id = ++this.lastId
    return new Promise((resolve, reject) => {
      this.asked.set(id, { resolve, reject })
      this.child.send({ id, request }, (error) => {
        if (error === null || !this.asked.delete(id)) return
        reject(new HostGone())
      })
    })
  }

  async kill(): Promise<void> {
    this.child.kill("SIGKILL")
    await this.gone
  }

  private settle(told: Exclude<Told, { event: HostEvent }>): void {
    const asked = this.asked.get(told.id)
    this.asked.delete(told.id)
    if ("error" in told) asked?.reject(new Error(told.error))
    else asked?.resolve(told.answer)
  }
}

export class HostGone extends Error {
  constructor() {
    super("the process of these clients is gone")
  }
}
