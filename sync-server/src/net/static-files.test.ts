import { mkdir, symlink, writeFile } from "node:fs/promises"
import { request } from "node:http"
import { join } from "node:path"
import { expect, it } from "vitest"
import { startTestServer } from "../../../test/support/server.js"
import { temporaryDirectory } from "../../../test/support/temporary.js"

/** A request whose path nobody normalizes on the way. */
function get(
  port: number,
  path: string,
  method = "GET",
): Promise<{ status: number; body: string; headers: NodeJS.Dict<string | string[]> }> {
  return new Promise((resolve, reject) => {
    const sent = request({ port, host: "127.0.0.1", path, method }, (response) => {
      let body = ""
      response.on("data", (chunk: Buffer) => (body += chunk.toString()))
      response.on("end", () => {
        resolve({ status: response.statusCode ?? 0, body, headers: response.headers })
      })
    })
    sent.on("error", reject)
    sent.end()
  })
}

it("serves a folder, the app's page for its own addresses, and nothing outside", async () => {
  const parent = await temporaryDirectory()
  const folder = join(parent, "public")
  await mkdir(join(folder, "assets"), { recursive: true })
  await mkdir(join(parent, "public-not"))
  await writeFile(join(parent, "secret.txt"), "secret")
  await writeFile(join(parent, "public-not", "x.txt"), "secret")
  await writeFile(join(folder, "index.html"), "<title>app</title>")
  await writeFile(join(folder, "sw.js"), "worker")
  await writeFile(join(folder, "assets", "app-1a2b3c4d.js"), "code")
  await symlink(join(parent, "secret.txt"), join(folder, "link.txt"))
  const { port } = await startTestServer({ static: folder })

  const page = await get(port, "/")
  expect(page).toMatchObject({ status: 200, body: "<title>app</title>" })
  expect(page.headers["content-type"]).toBe("text/html; charset=utf-8")
  expect(page.headers["content-security-policy"]).toContain("default-src 'self'")
  expect(page.headers["x-content-type-options"]).toBe("nosniff")
  expect((await get(port, "/some/place?user=alice")).body).toBe(page.body)
  expect((await get(port, "/sw.js")).headers).toMatchObject({
    "content-type": "text/javascript; charset=utf-8",
    "cache-control": "no-cache",
  })
  expect((await get(port, "/assets/app-1a2b3c4d.js")).headers["cache-control"]).toContain("immutable")
  expect((await get(port, "/missing.js")).status).toBe(404)
  expect((await get(port, "/", "POST")).status).toBe(405)
  expect(await get(port, "/", "HEAD")).toMatchObject({ status: 200, body: "" })
  for (const path of [
    "/../secret.txt",
    "/%2e%2e/secret.txt",
    "/..%2fsecret.txt",
    "/link.txt",
    "/..%2fpublic-not/x.txt",
    "/%00",
    "/%",
  ]) {
    const answer = await get(port, path)
    expect(answer.body).not.toContain("secret")
  }
  expect((await get(port, "/healthz")).body).toBe("ok\n")
  expect((await get(port, "/readyz")).body).toBe("ready\n")
})
