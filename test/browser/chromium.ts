import { execFileSync } from "node:child_process"
import { fileURLToPath } from "node:url"
import { chromium, type Browser } from "playwright-core"

// Without these, Chromium calls home at every start; on a machine without network that fails many times a second.
const quiet = [
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-gpu",
  "--disable-quic",
  "--disable-sync",
  "--no-first-run",
]

/** A headless Chromium, installed if need be, with an empty profile of its own. The caller closes it. */
export function launchChromium(args: readonly string[] = []): Promise<Browser> {
  const finder = fileURLToPath(new URL("../scripts/chromium.mjs", import.meta.url))
  const executablePath = execFileSync(process.execPath, [finder], { encoding: "utf8" }).trim()
  return chromium.launch({ executablePath, args: [...quiet, ...args], chromiumSandbox: process.getuid?.() !== 0 })
}
