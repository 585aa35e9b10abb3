import { defineConfig } from "tsup"

// Dependencies and peers stay external (tsup's default): two copies of yjs in one page break it.
export default defineConfig({
  entry: {
    index: "src/index.ts",
    protocol: "src/protocol.ts",
    format: "src/format.ts",
    react: "src/react.tsx",
    "search-worker": "src/search-worker.ts",
    node: "src/node.ts",
  },
  format: "esm",
  platform: "neutral",
  target: "es2022",
  dts: true,
  splitting: true,
  sourcemap: true,
  clean: true,
  external: [/^node:/],
})
