import { createPrivateKey, createPublicKey, generateKeyPairSync, sign, type KeyObject } from "node:crypto"
import { open, readFile, rename, rm } from "node:fs/promises"
import { join } from "node:path"
import { WeftError } from "../base/errors.js"
import type { DeviceKeyPair } from "./storage.js"

const FILE = "device-key.pem"
const PUBLIC_KEY_BYTES = 32

/**
 * The device's key pair: PKCS #8 in a file that only its owner may read, made where there is none. It stands beside the
 * database, whose files get whatever mode the umask leaves. The caller holds the database's lock.
 */
export async function loadKeyPair(directory: string): Promise<DeviceKeyPair> {
  const path = join(directory, FILE)
  const pem = (await readIfThere(path)) ?? (await makeKeyFile(directory, path))
  const privateKey = parse(pem, path)
  const spki = createPublicKey(privateKey).export({ type: "spki", format: "der" })
  return {
    publicKey: new Uint8Array(spki.subarray(-PUBLIC_KEY_BYTES)),
    // In this thread: a message is signed sooner than another thread would be awake.
    sign: async (message) => new Uint8Array(sign(null, message, privateKey)),
  }
}

function parse(pem: string, path: string): KeyObject {
  try {
    const privateKey = createPrivateKey(pem)
    if (privateKey.asymmetricKeyType !== "ed25519") throw new TypeError(`a key of type ${privateKey.asymmetricKeyType}`)
    return privateKey
  } catch (cause) {
    throw new WeftError("STORE_CORRUPT", `${path} holds no Ed25519 key`, { cause })
  }
}

async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, "utf8")
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined
    throw error
  }
}

/** The name appears only with the whole, synced content behind it: a crash leaves a key or none. */
async function makeKeyFile(directory: string, path: string): Promise<string> {
  const pem = generateKeyPairSync("ed25519").privateKey.export({ type: "pkcs8", format: "pem" }).toString()
  const unfinished = `${path}.new`
  await rm(unfinished, { force: true })
  const file = await open(unfinished, "wx", 0o600)
  try {
    await file.writeFile(pem)
    await file.sync()
  } finally {
    await file.close()
  }
  await rename(unfinished, path)
  await syncDirectory(directory)
  return pem
}

/** Makes new names in it survive a power cut. Windows has no such call and needs none. */
export async function syncDirectory(directory: string): Promise<void> {
  if (process.platform === "win32") return
  const handle = await open(directory, "r")
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}
