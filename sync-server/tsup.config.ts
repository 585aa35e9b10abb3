import { defineConfig } from "tsup"

export default defineConfig({
  entry: { cli: "src/cli.ts", server: "src/server.ts" },
  format: "esm",
  platform: "node",
  target: "node20",
  dts: { entry: { server: "src/server.ts" } },
  splitting: true,
  sourcemap: true,
  clean: true,
})
