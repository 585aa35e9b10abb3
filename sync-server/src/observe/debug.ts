import { readDebugReport, type DebugPorts, type DebugReport } from "./debug-report.js"
import { startLoopMonitor } from "./loop-monitor.js"

/** What /debug answers, and the secret that opens it. */
export interface Debug {
  readonly adminToken: string
  read(): Promise<DebugReport>
  close(): void
}

/** Watches this process from now on, for reports. */
export function startDebug(adminToken: string, ports: Omit<DebugPorts, "loop" | "startedAt">): Debug {
  const loop = startLoopMonitor()
  const startedAt = ports.now()
  return {
    adminToken,
    read: () => readDebugReport({ ...ports, loop, startedAt }),
    close: () => {
      loop.close()
    },
  }
}
