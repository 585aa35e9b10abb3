/** Until something was painted, and what the page's heap holds then. */
export interface Painted {
  readonly ms: number
  readonly heapBytes: number
}

/** Shows texts, and says how long it took since `start` until they were painted. */
export async function paint(start: number, texts: readonly string[]): Promise<Painted> {
  document.body.replaceChildren(
    ...texts.map((text) => {
      const row = document.createElement("p")
      row.textContent = text
      return row
    }),
  )
  await new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve)))
  const ms = performance.now() - start
  const host = globalThis as { gc?: () => void }
  host.gc?.()
  const { memory } = performance as Performance & { memory?: { usedJSHeapSize: number } }
  return { ms, heapBytes: memory?.usedJSHeapSize ?? NaN }
}
