import { ClassicLevel } from "classic-level"

/** Changes a server's store while the server is down. */
export async function tamper(
  data: string,
  change: (level: ClassicLevel<Uint8Array, Uint8Array>) => Promise<void>,
): Promise<void> {
  const level = new ClassicLevel<Uint8Array, Uint8Array>(data, { keyEncoding: "view", valueEncoding: "view" })
  await change(level)
  await level.close()
}
