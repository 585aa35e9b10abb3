import { execFileSync } from "node:child_process"
import { fileURLToPath } from "node:url"
import { chromium, type Browser, type BrowserContext, type LaunchOptions } from "playwright-core"

// Without these, Chromium calls home at every start; on a machine without network that fails many times a second.
const quiet = [
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-gpu",
  "--disable-quic",
  "--disable-sync",
  "--no-first-run",
]

let shared: Promise<Browser> | undefined

/** A headless Chromium for all tests of this process, which ends with it. Tests are apart by their contexts. */
export function sharedChromium(): Promise<Browser> {
  return (shared ??= launchChromium())
}

/** A headless Chromium, installed if need be, with an empty profile of its own. The caller closes it. */
export function launchChromium(args: readonly string[] = []): Promise<Browser> {
  return chromium.launch(launchOptions(args))
}

/** The same with the profile that a folder holds. */
export function launchProfile(folder: string, args: readonly string[] = []): Promise<BrowserContext> {
  return chromium.launchPersistentContext(folder, launchOptions(args))
}

function launchOptions(args: readonly string[]): LaunchOptions {
  const finder = fileURLToPath(new URL("../scripts/chromium.mjs", import.meta.url))
  const executablePath = execFileSync(process.execPath, [finder], { encoding: "utf8" }).trim()
  return { executablePath, args: [...quiet, ...args], chromiumSandbox: process.getuid?.() !== 0 }
}
