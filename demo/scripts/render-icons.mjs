// Renders public/icon.svg to the PNGs that platforms ask for. Run by hand after a change of the mark; its output is committed.
// node demo/scripts/render-icons.mjs
import { readFileSync, writeFileSync } from "node:fs"
import { chromium } from "playwright-core"
import { ensureChromium } from "../../test/scripts/chromium.mjs"

const folder = new URL("../public/", import.meta.url)
const mark = readFileSync(new URL("icon.svg", folder), "utf8")
/** `inset`: share of the side that stays free on each side, as masks cut the rest off. */
const icons = [
  { name: "icon-192.png", size: 192, inset: 0, ground: "transparent" },
  { name: "icon-512.png", size: 512, inset: 0, ground: "transparent" },
  { name: "icon-maskable-512.png", size: 512, inset: 0.12, ground: "#f7f5f1" },
  { name: "apple-touch-icon.png", size: 180, inset: 0.06, ground: "#f7f5f1" },
]

const browser = await chromium.launch({ executablePath: ensureChromium(), args: ["--disable-gpu", "--no-sandbox"] })
try {
  const page = await browser.newPage()
  for (const { name, size, inset, ground } of icons) {
    const side = Math.round(size * (1 - 2 * inset))
    await page.setViewportSize({ width: size, height: size })
    await page.setContent(
      `<style>body{margin:0;height:100vh;display:grid;place-items:center;background:${ground}}svg{width:${side}px;height:${side}px}</style>${mark}`,
    )
    writeFileSync(new URL(name, folder), await page.screenshot({ omitBackground: true }))
  }
} finally {
  await browser.close()
}
