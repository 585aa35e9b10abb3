import { describe, expect, it } from "vitest"
import { readCommand } from "./config.js"

function error(args: readonly string[], env: Record<string, string> = {}): string {
  const command = readCommand(args, env)
  return command.kind === "error" ? command.text : `no error but ${command.kind}`
}

function options(args: readonly string[], env: Record<string, string> = {}) {
  const command = readCommand(args, env)
  if (command.kind !== "run") throw new Error(JSON.stringify(command))
  return command.options
}

describe("the command line", () => {
  it("has a default for everything but who the users are", () => {
    expect(options(["--dev"])).toMatchObject({
      auth: { kind: "dev" },
      port: 4400,
      data: "./data",
      peers: [],
      ack: { kind: "local" },
    })
    expect(error([])).toContain("--jwks URL or --jwt-key FILE")
  })

  it("takes each option from the environment too, and arguments win", () => {
    const env = {
      WEFT_DEV: "1",
      WEFT_PORT: "5000",
      WEFT_PEER: "ws://a.example, wss://b.example/sync",
      WEFT_ACK: "peers=2",
      WEFT_LIMIT_ENTRIES_PER_SECOND: "7",
      WEFT_HOST: "",
    }
    expect(options([], env)).toMatchObject({
      port: 5000,
      peers: ["ws://a.example/sync", "wss://b.example/sync"],
      ack: { kind: "peers", count: 2 },
      limits: { entriesPerSecond: 7 },
    })
    expect(options(["--port", "6000", "--peer", "ws://c.example"], env)).toMatchObject({
      port: 6000,
      peers: ["ws://c.example/sync"],
    })
    expect(options(["--no-such"].slice(1), { ...env, WEFT_SEED: "1", PATH: "/" }).port).toBe(5000)
  })

  it.each([
    [["--dev", "--port", "x"], {}, '--port "x" is no port'],
    [["--dev", "--port", "1", "--port", "2"], {}, "--port is given twice"],
    [["--dev", "extra"], {}, "extra"],
    [["--dev", "--peer", "http://a.example"], {}, "is no ws:// or wss:// address"],
    [["--dev", "--static", "/nowhere"], {}, "is no folder"],
    [["--dev", "--trust", "abc"], {}, "64 hexadecimal digits"],
    [["--dev", "--limit-idle-ms", "0"], {}, "is no positive number"],
    [["--dev", "--limit-frame-bytes", "1000"], {}, "a sealed run needs"],
    [["--dev"], { WEFT_LIMIT_NONSENSE: "1" }, "WEFT_LIMIT_NONSENSE: there is no such limit"],
    [["--dev"], { WEFT_TRUSTED_PROXY: "perhaps" }, 'WEFT_TRUSTED_PROXY "perhaps" is not true or false'],
    [["--dev", "--jwks", "https://a.example"], {}, "goes with no keys"],
    [["--dev", "--host", "192.168.1.2"], {}, "for this machine only"],
    [
      ["--jwks", "https://a.example", "--issuer", "i", "--audience", "a", "--peer", "ws://b.example"],
      {},
      "--peer-token",
    ],
  ])("%j with %j: %s", (args, env, text) => {
    expect(error(args, env)).toContain(text)
  })

  it("[H3] takes the secret that opens /debug, and has none of its own", () => {
    expect(options(["--dev"])).not.toHaveProperty("adminToken")
    expect(options(["--dev"], { WEFT_ADMIN_TOKEN: "secret" })).toMatchObject({ adminToken: "secret" })
    expect(error(["--dev", "--admin-token", ""])).toContain("is empty")
  })

  it("lets a development server out only when told so twice", () => {
    expect(options(["--dev", "--host", "0.0.0.0", "--allow-remote-dev"])).toMatchObject({ host: "0.0.0.0" })
    expect(options(["--dev", "--host", "localhost"])).toMatchObject({ host: "localhost" })
  })

  it("explains itself", () => {
    const help = readCommand(["--help"], {})
    expect(help.kind === "help" && help.text).toContain("--limit-unsent-bytes N")
    expect(readCommand(["--version"], {}).kind).toBe("version")
  })
})
