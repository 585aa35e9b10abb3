/*
 * Every example of the README and of sdk/docs is compiled and run as it stands, each against a server of its own, in a
 * browser, or in Node where it says so; what a page says is printed is printed. How they are written: examples/markdown.ts.
 */
import { spawn } from "node:child_process"
import { readdirSync, readFileSync } from "node:fs"
import { mkdtemp, rm, writeFile } from "node:fs/promises"
import { createInterface } from "node:readline"
import { fileURLToPath } from "node:url"
import { dirname, join } from "node:path"
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest"
import type { Browser } from "playwright-core"
import ts from "typescript"
import { readCommands, readLinks, readPrograms, type Program } from "../examples/markdown.js"
import { startTestServer } from "../support/server.js"
import { spawnServer } from "../support/spawn-server.js"
import { temporaryDirectory } from "../support/temporary.js"
import { sharedChromium } from "./chromium.js"
import { serveModules } from "./serve.js"

const root = fileURLToPath(new URL("../../", import.meta.url))
/** What stands for the reader's own server. */
const SERVERS = /wss:\/\/chat\.example\.org|ws:\/\/localhost:4400/g
/** After that what was printed is compared with what should have been. */
const PRINT_LIMIT_MS = 20_000

const docs = readdirSync(join(root, "sdk/docs")).filter((name) => name.endsWith(".md"))
const pages = ["README.md", ...docs.map((name) => `sdk/docs/${name}`)].map((path) => {
  const markdown = readFileSync(join(root, path), "utf8")
  return { path, markdown, programs: readPrograms(markdown) }
})

let browser: Browser
let folder: string

beforeAll(async () => {
  browser = await sharedChromium()
  // Inside of the workspace, so that the examples find the packages as an application does.
  folder = await mkdtemp(fileURLToPath(new URL("../.examples-", import.meta.url)))
})

afterAll(async () => {
  await rm(folder, { recursive: true, force: true })
})

/** What the compiler says of files, by the strict settings of this repository. */
function diagnose(files: readonly string[]): string[] {
  const config = ts.getParsedCommandLineOfConfigFile(
    join(root, "test/tsconfig.json"),
    {},
    {
      ...ts.sys,
      onUnRecoverableConfigFileDiagnostic: (diagnostic) => {
        throw new Error(ts.flattenDiagnosticMessageText(diagnostic.messageText, "\n"))
      },
    },
  )
  const program = ts.createProgram(files, {
    ...config?.options,
    jsx: ts.JsxEmit.ReactJSX,
    lib: ["lib.es2022.d.ts", "lib.dom.d.ts", "lib.dom.iterable.d.ts"],
  })
  // of these files alone: what they import is checked as a part of its own package
  return files
    .flatMap((file) => ts.getPreEmitDiagnostics(program, program.getSourceFile(file)))
    .filter(({ file }) => file !== undefined)
    .map(({ file, start = 0, messageText }) => {
      const line = file?.text.slice(0, start).split("\n").length ?? 0
      return `${file?.fileName ?? ""}:${line} ${ts.flattenDiagnosticMessageText(messageText, "\n")}`
    })
}

/** What the marked lines of a program printed at last, once that is what they should, or time is over. */
class Printed {
  readonly #lines = new Map<number, string>()
  readonly #program: Program
  #ended = false
  #changed: () => void = () => undefined
  readonly #failed: Promise<never>
  fail: (error: unknown) => void = () => undefined

  constructor(program: Program) {
    this.#program = program
    this.#failed = new Promise((_resolve, reject) => (this.fail = reject))
    this.#failed.catch(() => undefined)
  }

  take(text: string): void {
    const [, line, printed] = /^-> (\d+) (.*)$/s.exec(text) ?? []
    if (line !== undefined && printed !== undefined) this.#lines.set(Number(line), printed)
    if (text === "-> end") this.#ended = true
    this.#changed()
  }

  /** Resolves with it, by line of the page. */
  async result(): Promise<{ ended: boolean; prints: Record<number, string> }> {
    const late = new Promise<void>((resolve) => setTimeout(resolve, PRINT_LIMIT_MS))
    const right = new Promise<void>((resolve) => {
      this.#changed = () => {
        if (this.#ended && Array.from(this.#program.prints).every(([line, text]) => this.#lines.get(line) === text))
          resolve()
      }
      this.#changed()
    })
    await Promise.race([late, right, this.#failed])
    return { ended: this.#ended, prints: Object.fromEntries(this.#lines) }
  }
}

/** The file to run: as the page has it, and telling what it prints. */
async function writeRunnable(program: Program, name: string, server: string): Promise<string> {
  const file = join(folder, `${name}.${program.extension}`)
  const code = program.telling.replaceAll(SERVERS, server)
  await writeFile(
    file,
    `import { tell } from "../examples/stage.ts"\n${code}\nconsole.log("-> end", tell.name.slice(4))\n`,
  )
  return file
}

async function runInBrowser(file: string, printed: Printed): Promise<void> {
  const page = await serveModules({ page: file, "search-worker": join(root, "sdk/src/search-worker.ts") })
  onTestFinished(() => page.close())
  const context = await browser.newContext()
  onTestFinished(() => context.close())
  const tab = await context.newPage()
  tab.on("console", (message) => {
    printed.take(message.text().trim())
  })
  tab.on("pageerror", (error) => {
    printed.fail(error)
  })
  await tab.goto(page.url)
}

async function runInNode(file: string, printed: Printed): Promise<void> {
  const child = spawn(process.execPath, ["--conditions=weft-source", "--import", import.meta.resolve("tsx"), file], {
    cwd: await temporaryDirectory(),
    stdio: ["ignore", "pipe", "pipe"],
  })
  onTestFinished(() => {
    child.kill("SIGKILL")
  })
  let errors = ""
  child.stderr.on("data", (chunk: Buffer) => (errors += chunk.toString()))
  child.on("exit", (code) => {
    if (code !== 0) printed.fail(new Error(errors))
  })
  createInterface({ input: child.stdout }).on("line", (line) => {
    printed.take(line.trim())
  })
}

const needsNode = ({ code }: Program): boolean => /from "(@weft\/sdk\/node|node:.*)"/.test(code)

describe("the examples of the pages", () => {
  it("compile", async () => {
    const files: string[] = []
    for (const { path, programs } of pages)
      for (const { extension, line, code } of programs) {
        const file = join(folder, `${path.replaceAll(/\W/g, "-")}-${line}.${extension}`)
        await writeFile(file, code)
        files.push(file)
      }
    expect(files.length).toBeGreaterThan(pages.length)
    expect(diagnose(files)).toEqual([])
  })

  for (const { path, programs } of pages)
    for (const program of programs)
      it(`run, and print what is said: ${path}:${program.line}`, async () => {
        const { url } = await startTestServer()
        const file = await writeRunnable(program, `run-${path.replaceAll(/\W/g, "-")}-${program.line}`, url)
        const printed = new Printed(program)
        await (needsNode(program) ? runInNode : runInBrowser)(file, printed)
        expect(await printed.result()).toEqual({ ended: true, prints: Object.fromEntries(program.prints) })
      })

  for (const { path, markdown } of pages)
    for (const command of readCommands(markdown, "npx weft-server "))
      it(`start a server: ${path}: ${command}`, async () => {
        const data = await temporaryDirectory()
        const words = command.split(/\s+/).slice(2)
        const args = words.map((word, index) => (words[index - 1] === "--data" ? data : word))
        const server = await spawnServer([...args, "--port", "0"])
        expect(await server.url).toMatch(/^ws:/)
      })
})

describe("the pages", () => {
  it("are in the index, and all that they link to is there", () => {
    const index = pages.find(({ path }) => path === "sdk/docs/README.md")
    const listed = new Set(readLinks(index?.markdown ?? ""))
    expect(docs.filter((name) => name !== "README.md" && !listed.has(name))).toEqual([])
    for (const { path, markdown } of pages)
      for (const link of readLinks(markdown)) {
        const [file = "", anchor] = link.split("#")
        const text = readFileSync(join(root, dirname(path), file), { encoding: "utf8" })
        const anchors = Array.from(text.matchAll(/^#+ (.*)$/gm), ([, title = ""]) => title.toLowerCase())
        if (anchor !== undefined)
          expect(anchors.map((title) => title.replaceAll(/[^\w -]/g, "").replaceAll(" ", "-"))).toContain(anchor)
      }
  })
})
