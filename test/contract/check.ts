/** Assertions for suites that run in Node and in a page alike. */

export function check(condition: boolean, text: string): void {
  if (!condition) throw new Error(text)
}

/** Equal as shown: texts, numbers, bytes, and lists and objects of these. */
export function same(actual: unknown, expected: unknown): void {
  const [shown, wanted] = [show(actual), show(expected)]
  check(shown === wanted, `expected ${clip(wanted)}, got ${clip(shown)}`)
}

/** The promise fails with an error of that code. */
export async function failsWith(code: string, promise: Promise<unknown>): Promise<void> {
  const failure = await promise.then(
    (value) => `success with ${clip(show(value))}`,
    (error: unknown) => codeOf(error) ?? `the error ${String(error)}`,
  )
  check(failure === code, `expected ${code}, got ${failure}`)
}

export function codeOf(error: unknown): string | undefined {
  return error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : undefined
}

function show(value: unknown): string {
  return JSON.stringify(value, (_key, part: unknown) => {
    if (part instanceof Uint8Array) return `${part.constructor.name} ${Array.from(part).join(" ")}`
    return part === undefined ? "undefined" : part
  })
}

function clip(text: string): string {
  return text.length > 500 ? `${text.slice(0, 500)}... (${text.length} characters)` : text
}
