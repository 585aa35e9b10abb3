// Hocuspocus; with a file as argument its documents are kept there, in the SQLite that its Node brings.
import { DatabaseSync } from "node:sqlite"
import { Database } from "@hocuspocus/extension-database"
import { Server } from "@hocuspocus/server"
import { report } from "./report.mjs"

const [file] = process.argv.slice(2)
let stored = 0

function persistence() {
  const database = new DatabaseSync(file)
  database.exec("PRAGMA journal_mode = WAL; CREATE TABLE documents (name TEXT PRIMARY KEY, data BLOB)")
  const read = database.prepare("SELECT data FROM documents WHERE name = ?")
  const write = database.prepare("INSERT OR REPLACE INTO documents VALUES (?, ?)")
  return new Database({
    fetch: async ({ documentName }) => read.get(documentName)?.data ?? null,
    store: async ({ documentName, state }) => {
      write.run(documentName, state)
      stored++
    },
  })
}

const server = new Server({
  port: 0,
  address: "127.0.0.1",
  quiet: true,
  stopOnSignals: false,
  // its own default ends connections that are silent for a minute
  timeout: 3_600_000,
  extensions: file === undefined ? [] : [persistence()],
})
await server.listen()
report(server.address.port, () => stored)
