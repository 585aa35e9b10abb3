/** What metrics, logs and reports call a peer: where it is, without what its address may hold beside that. [SPEC H3] */
export function peerName(url: string): string {
  if (!URL.canParse(url)) return ""
  const { host, pathname } = new URL(url)
  return pathname === "/" || pathname === "/sync" ? host : host + pathname
}
