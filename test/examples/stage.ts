/* What the pages' examples find around them, in code that readers do not see. */
export { conversationOf, until } from "../support/until.ts"

/** Stands for `console.log` where a page says what is printed; whoever runs the example reads it from the console. */
export function tell(line: number, ...values: readonly unknown[]): void {
  console.log(`-> ${line} ${values.map((value) => (typeof value === "string" ? value : String(value))).join(" ")}`)
}
