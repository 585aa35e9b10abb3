/** `device`: until it is cleared; `tab`: through reloads of this tab, and no longer. */
type Where = "device" | "tab"

const storageOf = (where: Where): Storage => (where === "device" ? localStorage : sessionStorage)

/** Small things that outlive the page. A browser that refuses storage only means that they do not. */
export function readKept(key: string, where: Where = "device"): string | undefined {
  try {
    return storageOf(where).getItem(`weft.demo.${key}`) ?? undefined
  } catch {
    return undefined
  }
}

export function keep(key: string, value: string | undefined, where: Where = "device"): void {
  try {
    if (value === undefined) storageOf(where).removeItem(`weft.demo.${key}`)
    else storageOf(where).setItem(`weft.demo.${key}`, value)
  } catch {
    // private mode, or no space: kept for this page only
  }
}
