/**
 * Layers (STYLE, "Layout"): a file imports its own level or a lower one; types count too.
 * 0 base; 1 protocol format; 2 log native identity storage transport; 3 authority conversation sync search; 4 client; 5 entry files.
 */
const levels = [
  "base",
  "protocol|format",
  "log|native|identity|storage|transport",
  "authority|conversation|sync|search",
  "client",
]
const entries = "^sdk/src/[^/]+[.]tsx?$"
const tests = "[.]test[.]tsx?$"
const adapters = "^sdk/src/(storage/(indexeddb|memory|level)|transport/(host-deflate|websocket))[.]ts$"

module.exports = {
  forbidden: [
    {
      name: "no-cycle",
      comment: "No import cycles, type imports included.",
      severity: "error",
      from: {},
      to: { circular: true },
    },
    ...levels.map((folders, level) => ({
      name: `level-${level}`,
      comment: `Level ${level} (${folders.replaceAll("|", ", ")}) may not import a higher one.`,
      severity: "error",
      from: { path: `^sdk/src/(${folders})/`, pathNot: tests },
      to: {
        path: [...(level + 1 < levels.length ? [`^sdk/src/(${levels.slice(level + 1).join("|")})/`] : []), entries],
      },
    })),
    {
      name: "known-folder",
      comment: "Every folder of the SDK has a level.",
      severity: "error",
      from: {},
      to: { path: "^sdk/src/[^/]+/", pathNot: `^sdk/src/(${levels.join("|")})/` },
    },
    {
      name: "adapters-at-the-root",
      comment: "Adapters are imported by composition roots (the entry files) and tests only.",
      severity: "error",
      from: { pathNot: [entries, tests, "^sdk/src/(storage|transport)/[^/]*(contract|test)[^/]*[.]ts$"] },
      to: { path: adapters },
    },
    {
      name: "no-node-in-the-core",
      comment: "Only the Node entry, its adapters and tests may use Node or Node-only packages.",
      severity: "error",
      from: {
        path: "^sdk/src/",
        pathNot: [tests, "^sdk/src/node[.]ts$", "^sdk/src/storage/level(-key-file)?[.]ts$"],
      },
      to: { path: ["^node:", "node_modules/(ws|classic-level)/"], dependencyTypesNot: ["type-only"] },
    },
    {
      name: "no-node-core-module",
      comment: "Only the Node entry, its adapters and tests may use Node's modules.",
      severity: "error",
      from: { path: "^sdk/src/", pathNot: [tests, "^sdk/src/node[.]ts$", "^sdk/src/storage/level(-key-file)?[.]ts$"] },
      to: { dependencyTypes: ["core"] },
    },
    {
      name: "server-through-entries",
      comment: "The server uses the SDK by its public entries, never by file.",
      severity: "error",
      from: { path: "^sync-server/src/" },
      to: { path: "^sdk/src/", pathNot: entries },
    },
    {
      name: "unresolvable",
      severity: "error",
      from: {},
      to: { couldNotResolve: true },
    },
  ],
  options: {
    doNotFollow: { path: "node_modules" },
    exclude: { path: "(^|/)dist/" },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: "tsconfig.json" },
    enhancedResolveOptions: {
      conditionNames: ["weft-source", "import", "node", "default", "types"],
      exportsFields: ["exports"],
      extensions: [".ts", ".tsx", ".d.ts", ".js", ".mjs"],
    },
  },
}
