import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises"
import { fileURLToPath } from "node:url"
import { join } from "node:path"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import type { Browser } from "playwright-core"
import ts from "typescript"
import { startTestServer } from "../support/server.js"
import { launchChromium } from "./chromium.js"
import { servePage } from "./serve.js"

const root = fileURLToPath(new URL("../../", import.meta.url))
let browser: Browser
let folder: string
let examples: { readonly extension: string; readonly code: string }[]

beforeAll(async () => {
  browser = await launchChromium()
  // Beside this file, so that the examples find the packages as an application does.
  folder = await mkdtemp(fileURLToPath(new URL("./.readme-", import.meta.url)))
  const readme = await readFile(join(root, "README.md"), "utf8")
  examples = Array.from(readme.matchAll(/```(tsx?)\n([\s\S]*?)```/g), (match) => ({
    extension: match[1] ?? "",
    code: match[2] ?? "",
  }))
})

afterAll(async () => {
  await browser.close()
  await rm(folder, { recursive: true, force: true })
})

/** What the compiler says of an example, by the strict settings of this repository. */
function diagnose(file: string): string[] {
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
  const program = ts.createProgram([file], {
    ...config?.options,
    jsx: ts.JsxEmit.ReactJSX,
    lib: ["lib.es2022.d.ts", "lib.dom.d.ts", "lib.dom.iterable.d.ts"],
  })
  return ts
    .getPreEmitDiagnostics(program)
    .filter((diagnostic) => diagnostic.file?.fileName === file)
    .map((diagnostic) => ts.flattenDiagnosticMessageText(diagnostic.messageText, "\n"))
}

describe("the README's examples", () => {
  it("compile", async () => {
    expect(new Set(examples.map(({ extension }) => extension))).toEqual(new Set(["ts", "tsx"]))
    for (const [number, { extension, code }] of examples.entries()) {
      const file = join(folder, `compiled-${number}.${extension}`)
      await writeFile(file, code)
      expect(diagnose(file)).toEqual([])
    }
  })

  it("the quick start runs in a browser against a server", async () => {
    const server = await startTestServer()
    const code = (examples[0]?.code ?? "").replace("ws://localhost:4400", server.url)
    expect(code).toContain(server.url)
    const file = join(folder, "run.ts")
    // A classic script has no top-level await.
    const [imports = "", ...body] = code.trimStart().split("\n")
    await writeFile(
      file,
      `${imports}\nasync function run() {\n${body.join("\n")}\n}\nrun().then(() => console.log("done"))`,
    )
    const page = await servePage(file)
    try {
      const context = await browser.newContext()
      const tab = await context.newPage()
      const lines: string[] = []
      const done = new Promise<void>((resolve, reject) => {
        tab.on("console", (message) => {
          lines.push(message.text())
          if (message.text() === "done") resolve()
        })
        tab.on("pageerror", reject)
      })
      await tab.goto(page.url)
      await done
      expect(lines).toContain("alice: hello (saving)")
      expect(lines).toContain("alice: hello (sent)")
      expect(lines).toContain("online 0 ok")
      await context.close()
    } finally {
      await page.close()
    }
  })
})
