import { systemEnv } from "@weft/sdk/protocol"
import { pino } from "pino"
import { expect, it } from "vitest"
import type { Dial } from "../connection/channel.js"
import { createMetrics } from "../observe/metrics.js"
import { PeerLink, type LinkPorts } from "./link.js"

it.each([
  ["wss://operator:secret@other.example:4400/sync?token=secret", "other.example:4400"],
  ["wss://operator:secret@other.example/weft/sync", "other.example/weft/sync"],
])("[H3] logs and metrics name the peer of %s by where it is, and tell no secret of it", async (url, name) => {
  const metrics = createMetrics({ process: false })
  const lines: string[] = []
  const log = pino({ level: "trace" }, { write: (line: string) => void lines.push(line) })
  const dialed: string[] = []
  let fail = (): void => undefined
  const dial: Dial = (to, { failed }) => {
    dialed.push(to)
    fail = () => {
      failed(new Error("nobody is there"))
    }
    return { abandon: () => undefined }
  }
  const link = new PeerLink(url, { metrics, log, env: systemEnv, dial } as unknown as LinkPorts)
  fail()
  link.end()
  expect(dialed).toEqual([url])
  expect(lines.length).toBe(1)
  const told = lines.join() + (await metrics.registry.metrics())
  expect(told).toContain(`peer="${name}"`)
  expect(told).toContain(`"peer":"${name}"`)
  expect(told).not.toContain("secret")
})
