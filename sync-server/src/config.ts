import { readFileSync, statSync } from "node:fs"
import { parseArgs } from "node:util"
import { MAX_FRAME_UPDATE_BYTES } from "@weft/sdk/protocol"
import * as v from "valibot"
import { pemKey } from "./auth/jwt.js"
import { defaultLimits, limitNames, limitText, type LimitName, type Limits } from "./limits/limits.js"
import type { AuthOptions, ServerOptions } from "./options.js"
import type { AckLevel } from "./peer/copies.js"

export type Command =
  | { readonly kind: "run"; readonly options: ServerOptions }
  | { readonly kind: "help"; readonly text: string }
  | { readonly kind: "version" }
  | { readonly kind: "error"; readonly text: string }

/** Thrown inside this file only. */
class Refused extends Error {}

const asPort = v.pipe(
  v.string(),
  v.regex(/^\d{1,5}$/, "is no port"),
  v.transform(Number),
  v.maxValue(65535, "is no port"),
)
const asText = v.pipe(v.string(), v.minLength(1, "is empty"))
const asFlag = v.pipe(
  v.string(),
  v.picklist(["", "1", "true", "0", "false"], "is not true or false"),
  v.transform((text) => text === "1" || text === "true"),
)
const asFolder = v.pipe(
  asText,
  v.check((path) => statSync(path, { throwIfNoEntry: false })?.isDirectory() === true, "is no folder"),
)
const asPeer = v.pipe(
  asText,
  v.check((text) => isUrl(text, ["ws:", "wss:"]), "is no ws:// or wss:// address"),
  v.transform(peerUrl),
)
const asJwks = v.pipe(
  asText,
  v.check((text) => isUrl(text, ["http:", "https:"]), "is no http:// or https:// address"),
)
const asKey = v.pipe(
  asText,
  v.regex(/^[0-9a-fA-F]{64}$/, "is no Ed25519 public key: 64 hexadecimal digits"),
  v.transform((text) => new Uint8Array(Buffer.from(text, "hex"))),
)
const asPem = v.pipe(
  asText,
  v.transform((path) => readFileSync(path, "utf8")),
  v.check((pem) => pemKey(pem).type === "public", "is no public key"),
)
const asAck = v.pipe(
  asText,
  v.regex(/^(local|peers=[1-9]\d?)$/, "is neither local nor peers=N"),
  v.transform((text): AckLevel =>
    text === "local" ? { kind: "local" } : { kind: "peers", count: Number(text.slice("peers=".length)) },
  ),
)
const asLevel = v.picklist(["trace", "debug", "info", "warn", "error", "fatal", "silent"], "is no log level")
const asLimit = v.pipe(v.string(), v.regex(/^[1-9]\d{0,14}$/, "is no positive number"), v.transform(Number))

/** Every option: what it takes, and what --help says. `many`: may be given again; in its variable, between commas. */
const definitions = {
  port: { takes: "PORT", text: "port to listen on; 0 takes a free one (4400)" },
  host: { takes: "ADDRESS", text: "address to listen on (all; with --dev 127.0.0.1)" },
  data: { takes: "DIR", text: "folder of the database (./data)" },
  static: { takes: "DIR", text: "folder to serve over HTTP" },
  jwks: { takes: "URL", text: "where the keys are that sign users' tokens" },
  "jwt-key": { takes: "FILE", text: "the public key that signs users' tokens, PEM" },
  issuer: { takes: "TEXT", text: "iss that tokens must carry" },
  audience: { takes: "TEXT", text: "aud that tokens must carry" },
  dev: { text: "development: anybody is whoever they say; this machine only" },
  "allow-remote-dev": { text: "lets other machines reach a --dev server: anybody on the network can read everything" },
  peer: { takes: "URL", many: true, text: "a server to stay converged with, ws:// or wss://" },
  "peer-token": { takes: "TEXT", text: "the secret that servers show each other; better given as WEFT_PEER_TOKEN" },
  "admin-token": { takes: "TEXT", text: "the secret that opens /debug; better given as WEFT_ADMIN_TOKEN" },
  trust: { takes: "KEY", many: true, text: "public key of a further server whose certificates count, 64 hex digits" },
  ack: { takes: "LEVEL", text: "local, or peers=N: acknowledge when N peers have it too (local)" },
  "trusted-proxy": { text: "clients' addresses are what the proxy says in X-Forwarded-For" },
  repair: { text: "cut documents that can't be read down to what can, and get the rest from peers and devices" },
  "log-level": { takes: "LEVEL", text: "trace, debug, info, warn, error, fatal or silent (info)" },
} as const satisfies Record<string, { takes?: string; many?: true; text: string }>

type OptionName = keyof typeof definitions
const optionNames = Object.keys(definitions) as OptionName[]
const limitFlags = new Map<string, LimitName>(limitNames.map((name) => [`limit-${kebab(name)}`, name]))

/** What the arguments and the environment ask for. Arguments win over variables. */
export function readCommand(args: readonly string[], env: Readonly<Record<string, string | undefined>>): Command {
  try {
    const values = readArguments(args)
    if (values.has("help")) return { kind: "help", text: helpText() }
    if (values.has("version")) return { kind: "version" }
    readVariables(env, values)
    return { kind: "run", options: readOptions(values) }
  } catch (error) {
    if (error instanceof Refused) return { kind: "error", text: error.message }
    throw error
  }
}

/** Where a value came from, for what is said about it. */
interface Given {
  readonly from: string
  readonly texts: readonly string[]
}

function readArguments(args: readonly string[]): Map<string, Given> {
  const string = { type: "string", multiple: true } as const
  const options = Object.fromEntries(
    [
      ...optionNames.map((name) => ["takes" in definitions[name], name] as const),
      ...Array.from(limitFlags.keys(), (flag) => [true, flag] as const),
      ...["help", "version"].map((name) => [false, name] as const),
    ].map(([takes, name]) => [name, takes ? string : ({ type: "boolean" } as const)]),
  )
  let values
  try {
    ;({ values } = parseArgs({ args: [...args], options, strict: true, allowPositionals: false }))
  } catch (error) {
    // parseArgs adds advice on further lines and sentences.
    throw new Refused(error instanceof Error ? (error.message.split(/\n|\. /)[0] ?? error.message) : "bad arguments")
  }
  const given = new Map<string, Given>()
  for (const [name, value] of Object.entries(values)) {
    const texts = Array.isArray(value) ? value.map(String) : [String(value)]
    given.set(name, { from: `--${name}`, texts })
  }
  return given
}

function readVariables(env: Readonly<Record<string, string | undefined>>, values: Map<string, Given>): void {
  for (const name of [...optionNames, ...limitFlags.keys()]) {
    const from = `WEFT_${name.replaceAll("-", "_").toUpperCase()}`
    const text = env[from]
    if (text === undefined || text === "" || values.has(name)) continue
    const many = name === "peer" || name === "trust"
    values.set(name, { from, texts: many ? text.split(",").map((part) => part.trim()) : [text] })
  }
  const known = new Set(Array.from(limitFlags.keys(), (flag) => `WEFT_${flag.replaceAll("-", "_").toUpperCase()}`))
  const unknown = Object.keys(env).find((name) => name.startsWith("WEFT_LIMIT_") && !known.has(name))
  if (unknown !== undefined) throw new Refused(`${unknown}: there is no such limit`)
}

function readOptions(values: ReadonlyMap<string, Given>): ServerOptions {
  function all<T>(name: string, schema: v.GenericSchema<string, T>): T[] {
    const given = values.get(name)
    return (given?.texts ?? []).map((text) => parse(`${given?.from ?? name} "${text}"`, schema, text))
  }
  function one<T>(name: string, schema: v.GenericSchema<string, T>): T | undefined {
    const found = all(name, schema)
    if (found.length > 1) throw new Refused(`--${name} is given twice`)
    return found[0]
  }
  const dev = one("dev", asFlag) ?? false
  const allowRemoteDev = one("allow-remote-dev", asFlag) ?? false
  const host = one("host", asText)
  if (dev && !allowRemoteDev && host !== undefined && !isLoopbackHost(host)) {
    throw new Refused(`--host ${host}: a --dev server believes anybody, so it is for this machine only`)
  }
  const limits: Partial<Record<LimitName, number>> = {}
  for (const [flag, name] of limitFlags) {
    const value = one(flag, asLimit)
    if (value !== undefined) limits[name] = value
  }
  checkLimits({ ...defaultLimits, ...limits })
  const peerToken = one("peer-token", asText)
  const peers = all("peer", asPeer)
  if (peers.length > 0 && peerToken === undefined && !dev) throw new Refused("--peer needs --peer-token")
  return {
    data: one("data", asText) ?? "./data",
    auth: readAuth(dev, {
      jwks: one("jwks", asJwks),
      pem: one("jwt-key", asPem),
      issuer: one("issuer", asText),
      audience: one("audience", asText),
    }),
    port: one("port", asPort) ?? 4400,
    ...defined("host", host),
    allowRemoteDev,
    ...defined("static", one("static", asFolder)),
    peers,
    ...defined("peerToken", peerToken),
    ...defined("adminToken", one("admin-token", asText)),
    trust: all("trust", asKey),
    ack: one("ack", asAck) ?? { kind: "local" },
    trustedProxy: one("trusted-proxy", asFlag) ?? false,
    repair: one("repair", asFlag) ?? false,
    limits,
    logLevel: one("log-level", asLevel) ?? "info",
    processMetrics: true,
  }
}

interface JwtGiven {
  readonly jwks: string | undefined
  readonly pem: string | undefined
  readonly issuer: string | undefined
  readonly audience: string | undefined
}

function readAuth(dev: boolean, { jwks, pem, issuer, audience }: JwtGiven): AuthOptions {
  if (dev) {
    if (jwks !== undefined || pem !== undefined)
      throw new Refused("--dev takes any user: it goes with no keys for tokens")
    return { kind: "dev" }
  }
  if (jwks !== undefined && pem !== undefined) throw new Refused("--jwks and --jwt-key: one of them is enough")
  if (jwks === undefined && pem === undefined) {
    throw new Refused(
      "who are the users? --jwks URL or --jwt-key FILE says how tokens are checked, --dev believes anybody",
    )
  }
  if (issuer === undefined || audience === undefined) {
    throw new Refused("tokens are checked for --issuer and --audience: both are needed")
  }
  const keys = jwks === undefined ? ({ kind: "pem", pem: pem ?? "" } as const) : ({ kind: "jwks", url: jwks } as const)
  return { kind: "jwt", keys, issuer, audience }
}

function checkLimits(limits: Limits): void {
  if (limits.frameBytes < MAX_FRAME_UPDATE_BYTES + 4096) {
    throw new Refused(`--limit-frame-bytes: a sealed run needs ${MAX_FRAME_UPDATE_BYTES + 4096} at least`)
  }
  if (limits.unsentBytes < 2 * limits.frameBytes) {
    throw new Refused("--limit-unsent-bytes must be twice --limit-frame-bytes at least")
  }
}

function parse<T>(what: string, schema: v.GenericSchema<string, T>, text: string): T {
  let result
  try {
    result = v.safeParse(schema, text)
  } catch (error) {
    // A file that can't be read, a key that is none.
    throw new Refused(`${what}: ${error instanceof Error ? error.message : "can't be used"}`)
  }
  if (!result.success) throw new Refused(`${what} ${result.issues[0].message}`)
  return result.output
}

function helpText(): string {
  const lines = optionNames.map((name) => {
    const definition = definitions[name]
    const usage = "takes" in definition ? `--${name} ${definition.takes}` : `--${name}`
    return `  ${usage.padEnd(24)} ${definition.text}${"many" in definition ? "; may be repeated" : ""}`
  })
  const limits = Array.from(
    limitFlags,
    ([flag, name]) => `  --${flag} N`.padEnd(34) + `${limitText(name)} (${defaultLimits[name]})`,
  )
  return [
    "weft-server: checks, stores and relays Weft conversations",
    "",
    ...lines,
    "",
    "Each is also an environment variable: --peer-token is WEFT_PEER_TOKEN. Lists are separated by commas there.",
    "",
    ...limits,
    "",
    "Over HTTP: /healthz /readyz /metrics, with --admin-token /debug too. Devices connect to /sync, stock y-websocket clients to /y.",
  ].join("\n")
}

function isUrl(text: string, protocols: readonly string[]): boolean {
  return URL.canParse(text) && protocols.includes(new URL(text).protocol)
}

/** A server's address may leave out the path. */
function peerUrl(text: string): string {
  const url = new URL(text)
  if (url.pathname === "/") url.pathname = "/sync"
  return url.href
}

export function isLoopbackHost(host: string): boolean {
  return host === "localhost" || host === "::1" || /^127[.]\d+[.]\d+[.]\d+$/.test(host)
}

function kebab(name: string): string {
  return name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)
}

function defined<K extends string, T>(key: K, value: T | undefined): { [P in K]?: T } {
  return value === undefined ? {} : ({ [key]: value } as { [P in K]: T })
}
