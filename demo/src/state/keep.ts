/** Small things that outlive the page. A browser that refuses storage only means that they do not. */
export function readKept(key: string): string | undefined {
  try {
    return localStorage.getItem(`weft.demo.${key}`) ?? undefined
  } catch {
    return undefined
  }
}

export function keep(key: string, value: string | undefined): void {
  try {
    if (value === undefined) localStorage.removeItem(`weft.demo.${key}`)
    else localStorage.setItem(`weft.demo.${key}`, value)
  } catch {
    // private mode, or no space: kept for this page only
  }
}
