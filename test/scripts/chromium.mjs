// Finds a Chromium for the browser tests, or installs one. Plain Node: `node test/scripts/chromium.mjs` prints its path.
import { spawnSync } from "node:child_process"
import { accessSync, constants, existsSync, readdirSync, statSync } from "node:fs"
import { homedir } from "node:os"
import { delimiter, join, resolve } from "node:path"
import { fileURLToPath } from "node:url"

const root = resolve(fileURLToPath(import.meta.url), "../../..")
const names = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome"]

function isExecutable(path) {
  try {
    accessSync(path, constants.X_OK)
    return statSync(path).isFile()
  } catch {
    return false
  }
}

/** Usual places, for where PATH doesn't lead to it. */
function usualPlaces() {
  switch (process.platform) {
    case "darwin":
      return ["", homedir()].flatMap((home) => [
        `${home}/Applications/Chromium.app/Contents/MacOS/Chromium`,
        `${home}/Applications/Google Chrome.app/Contents/MacOS/Google Chrome`,
      ])
    case "win32":
      return [process.env.PROGRAMFILES, process.env["PROGRAMFILES(X86)"], process.env.LOCALAPPDATA]
        .filter((folder) => folder !== undefined)
        .flatMap((folder) => [
          join(folder, "Google\\Chrome\\Application\\chrome.exe"),
          join(folder, "Chromium\\Application\\chrome.exe"),
        ])
    default:
      return [
        ...["/usr/bin", "/usr/local/bin", "/snap/bin"].flatMap((folder) => names.map((name) => join(folder, name))),
        "/usr/lib/chromium/chromium",
        "/usr/lib64/chromium-browser/chromium-browser",
        "/opt/google/chrome/chrome",
      ]
  }
}

/** What an earlier `playwright install chromium` left in its cache. */
function playwrightPlaces() {
  const cache =
    process.env.PLAYWRIGHT_BROWSERS_PATH ??
    {
      darwin: join(homedir(), "Library/Caches/ms-playwright"),
      win32: join(process.env.LOCALAPPDATA ?? homedir(), "ms-playwright"),
    }[process.platform] ??
    join(process.env.XDG_CACHE_HOME ?? join(homedir(), ".cache"), "ms-playwright")
  if (!existsSync(cache)) return []
  const inside = [
    "chrome-linux64/chrome",
    "chrome-linux/chrome",
    "chrome-win64/chrome.exe",
    "chrome-win/chrome.exe",
    ...["arm64", "x64"].map(
      (cpu) => `chrome-mac-${cpu}/Google Chrome for Testing.app/Contents/MacOS/Google Chrome for Testing`,
    ),
    "chrome-mac/Chromium.app/Contents/MacOS/Chromium",
  ]
  return readdirSync(cache)
    .filter((folder) => /^chromium-\d+$/.test(folder))
    .sort((a, b) => Number(b.slice(9)) - Number(a.slice(9)))
    .flatMap((folder) => inside.map((path) => join(cache, folder, path)))
}

/** The path of an installed Chromium, or undefined. CHROMIUM_PATH decides where it is set, and must then be right. */
export function findChromium() {
  const given = process.env.CHROMIUM_PATH
  if (given !== undefined && given !== "") {
    if (isExecutable(given)) return given
    throw new Error(`CHROMIUM_PATH names ${given}, which is not an executable file.`)
  }
  const folders = (process.env.PATH ?? "").split(delimiter).filter((folder) => folder !== "")
  const inPath =
    process.platform === "win32" ? [] : folders.flatMap((folder) => names.map((name) => join(folder, name)))
  return [...inPath, ...usualPlaces(), ...playwrightPlaces()].find(isExecutable)
}

function succeeds(command, args) {
  return spawnSync(command, args, { stdio: "ignore" }).status === 0
}

function run(command, args, options = {}) {
  console.error(`> ${[command, ...args].join(" ")}`)
  // stdout goes to stderr: this script's own output is the path alone
  return spawnSync(command, args, { stdio: ["ignore", 2, 2], ...options }).status === 0
}

/** Commands of the system's package manager, first found first; each list is run in order until one fails. */
function packageManagers() {
  if (process.platform === "darwin") return [["brew", [["install", "--cask", "chromium"]]]]
  if (process.platform === "win32") return []
  return [
    [
      "apt-get",
      [
        ["-q", "update"],
        ["-q", "install", "-y", "--no-install-recommends", "chromium"],
      ],
    ],
    ["dnf", [["install", "-y", "chromium"]]],
    ["apk", [["add", "--no-cache", "chromium"]]],
    ["pacman", [["-Sy", "--noconfirm", "chromium"]]],
    ["zypper", [["--non-interactive", "install", "chromium"]]],
  ]
}

function installBySystem() {
  for (const [manager, steps] of packageManagers()) {
    if (spawnSync(manager, ["--version"], { stdio: "ignore" }).error !== undefined) continue
    const isRoot = process.getuid?.() === 0
    const needsRoot = manager !== "brew"
    if (needsRoot && !isRoot && !succeeds("sudo", ["-n", "true"])) {
      console.error(`${manager} is here, but neither root nor a password-free sudo.`)
      continue
    }
    const [command, before] = needsRoot && !isRoot ? ["sudo", ["-n", manager]] : [manager, []]
    const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" }
    if (steps.every((step) => run(command, [...before, ...step], { env }))) return
  }
}

function installByPlaywright() {
  const cli = join(root, "node_modules/playwright-core/cli.js")
  if (!existsSync(cli)) return
  run(process.execPath, [cli, "install", "chromium"])
}

/** The path of a Chromium, installed now if need be. Throws, saying what to do, when there is no way. */
export function ensureChromium() {
  const found = findChromium()
  if (found !== undefined) return found
  console.error("No Chromium found; installing one for the browser tests.")
  for (const install of [installBySystem, installByPlaywright]) {
    install()
    const installed = findChromium()
    if (installed !== undefined) return installed
  }
  throw new Error(
    "No Chromium: none is installed, and neither the system's package manager nor Playwright could install one.\n" +
      "Install Chromium or Chrome, or name one: CHROMIUM_PATH=/path/to/chromium npm test",
  )
}

if (process.argv[1] !== undefined && resolve(process.argv[1]) === fileURLToPath(import.meta.url)) {
  try {
    console.log(ensureChromium())
  } catch (error) {
    console.error(error instanceof Error ? error.message : error)
    process.exit(1)
  }
}
