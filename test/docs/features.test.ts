/* The table of features in SPEC.md names tests that exist, in every cell. [SPEC T] */
import { readdirSync, readFileSync } from "node:fs"
import { fileURLToPath } from "node:url"
import { join } from "node:path"
import ts from "typescript"
import { expect, it } from "vitest"

const root = fileURLToPath(new URL("../../", import.meta.url))

/** Rows of the table behind a heading, each as its cells. */
function readTable(markdown: string, heading: string): string[][] {
  const [, section = ""] = markdown.split(`\n${heading}\n`)
  return section
    .split(/\n## /, 1)[0]!
    .split("\n")
    .filter((line) => line.startsWith("| "))
    .map((line) => line.slice(2, -2).split(" | "))
    .slice(1)
}

/** Titles of the tests in a file, where they are written out. */
function titlesOf(file: string): string[] {
  const titles: string[] = []
  const visit = (node: ts.Node): void => {
    if (ts.isCallExpression(node) && /^(it|test)$/.test(node.expression.getText(source))) {
      const [title, ...rest] = node.arguments
      const runs = rest.some((part) => ts.isArrowFunction(part) || ts.isFunctionExpression(part))
      if (runs && title !== undefined && ts.isStringLiteralLike(title)) titles.push(title.text)
    }
    ts.forEachChild(node, visit)
  }
  const source = ts.createSourceFile(file, readFileSync(file, "utf8"), ts.ScriptTarget.ES2022, true)
  visit(source)
  return titles
}

it("[T] the table of features names a test of this repository in every cell", () => {
  const titles = new Set(
    ["sdk/src", "sync-server/src", "test"].flatMap((folder) =>
      readdirSync(join(root, folder), { recursive: true, encoding: "utf8" })
        .filter((name) => /\.test\.tsx?$/.test(name) && !name.includes("node_modules"))
        .flatMap((name) => titlesOf(join(root, folder, name))),
    ),
  )
  const rows = readTable(readFileSync(join(root, "sdk/SPEC.md"), "utf8"), "## T. What each feature promises")
  expect(rows.length).toBeGreaterThan(25)
  for (const [feature = "", ...cells] of rows) {
    expect(cells, feature).toHaveLength(4)
    const unknown = cells.flatMap((cell) => cell.split("<br>")).filter((title) => !titles.has(title))
    expect(unknown, feature).toEqual([])
  }
})
