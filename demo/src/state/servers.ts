/**
 * The sync servers: the one that serves this page, unless the address says otherwise. `?server=wss://one,wss://two` names
 * others, `?server=none` keeps everything on this device.
 */
export function serversOf(address: { search: string; protocol: string; host: string }): string[] {
  const given = new URLSearchParams(address.search).get("server")
  if (given === "none") return []
  const named = (given ?? "")
    .split(",")
    .map((url) => url.trim())
    .filter((url) => url !== "")
  return named.length > 0 ? named : [`${address.protocol === "https:" ? "wss" : "ws"}://${address.host}`]
}
