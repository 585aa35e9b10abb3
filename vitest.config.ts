import { configDefaults, defineConfig } from "vitest/config"

// "weft-source" makes @weft/* resolve to TypeScript source, so that tests need no build.
const conditions = ["weft-source", "module", "node", "development|production"]
const source = {
  resolve: { conditions },
  ssr: { resolve: { conditions, externalConditions: ["weft-source", "node"] } },
}

// A poll ends with what it waits for, and else about when its test would: a second, as by default, is a bound on the machine.
const patience = { poll: { timeout: 25_000 } }

export default defineConfig({
  test: {
    passWithNoTests: true,
    // by default one processor is left alone, which is half of a machine with two
    maxWorkers: "100%",
    coverage: {
      provider: "istanbul",
      include: ["{sdk,sync-server}/src/**/*.{ts,tsx}"],
      exclude: ["**/*.test.{ts,tsx}", "**/scenario.ts"],
      reporter: ["text", "json"],
    },
    projects: [
      {
        ...source,
        test: {
          name: "unit",
          environment: "node",
          include: ["sdk/src", "sync-server/src", "demo/src", "test"].map((folder) => `${folder}/**/*.test.{ts,tsx}`),
          exclude: [...configDefaults.exclude, "test/browser/**", "**/dist/**"],
          testTimeout: 30_000,
          hookTimeout: 30_000,
          expect: patience,
          retry: 0,
          // files share a process, and so what they import; none leaves anything behind in it
          isolate: false,
          sequence: { groupOrder: 0 },
        },
      },
      {
        // runs in Node and drives a real Chromium itself; after the others, which would take the browsers' processor
        ...source,
        test: {
          name: "browser",
          environment: "node",
          include: ["test/browser/**/*.test.{ts,tsx}"],
          testTimeout: 120_000,
          hookTimeout: 180_000,
          expect: patience,
          retry: 0,
          isolate: false,
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
})
