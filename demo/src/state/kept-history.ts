import type { HistoryOptions } from "@weft/sdk"

/** How much this device keeps of each conversation: all, unless the address says how many messages, as `?keep=1000`. */
export function historyOf({ search }: { search: string }): HistoryOptions | undefined {
  const given = new URLSearchParams(search).get("keep") ?? ""
  return /^[1-9]\d{0,8}$/.test(given) ? { keep: Number(given) } : undefined
}
