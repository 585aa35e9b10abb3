import js from "@eslint/js"
import reactHooks from "eslint-plugin-react-hooks"
import globals from "globals"
import tseslint from "typescript-eslint"

/**
 * Where the ambient clock, timers and randomness may be named (STYLE rule 7: elsewhere time and chance are arguments),
 * each with its reason.
 */
const ambientAllowed = [
  "sdk/src/base/env.ts", // the one place that turns the host's clock, timers and randomness into arguments
  "sync-server/src/cli.ts", // composition root: passes the real environment in
  "sdk/src/storage/indexeddb.ts", // adapter: lives in a browser, and waits for what the browser may never answer
  "sdk/src/storage/left-behind.ts", // adapter: pages and localStorage
  "sdk/src/storage/level.ts", // adapter: Node only
  "sdk/src/transport/websocket.ts", // adapter: the host's own socket, with its timeouts
  "sdk/src/client/tabs.ts", // adapter: Web Locks and BroadcastChannel between tabs
  "**/*.test.{ts,tsx}", // tests wait in real time where they test the real host
]

const noBarrel = {
  selector: "ExportAllDeclaration[exported=null]",
  message: "No internal barrels: import from the file itself (STYLE rule 15).",
}
const noAmbientDate = [
  { selector: "NewExpression[callee.name='Date'][arguments.length=0]", message: "Take the time from the environment." },
  { selector: "CallExpression[callee.name='Date']", message: "Take the time from the environment." },
]
const fromEnvironment = "Take it from the environment (sdk/src/base/env.ts)."
const timers = ["setTimeout", "setInterval", "setImmediate", "requestAnimationFrame", "requestIdleCallback"]
const holders = ["globalThis", "self", "window"]
const ambientProperties = [
  ["Date", "now"],
  ["Math", "random"],
  ["performance", "now"],
  ["crypto", "getRandomValues"],
  ["crypto", "randomUUID"],
  ...holders.flatMap((object) => [...timers, "Date", "performance"].map((property) => [object, property])),
].map(([object, property]) => ({ object, property, message: fromEnvironment }))

export default tseslint.config(
  {
    ignores: [
      "sdk/types/",
      "**/dist/",
      "**/node_modules/",
      "**/data/",
      "**/coverage/",
      "sdk/docs/reference/",
      "**/dev-dist/",
    ],
  },
  { linterOptions: { reportUnusedDisableDirectives: "error" } },
  js.configs.recommended,
  {
    files: ["**/*.{ts,tsx}"],
    extends: [...tseslint.configs.recommendedTypeChecked],
    languageOptions: {
      parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname },
    },
    rules: {
      "@typescript-eslint/no-floating-promises": ["error", { ignoreVoid: false }],
      "@typescript-eslint/no-misused-promises": "error",
      "@typescript-eslint/no-explicit-any": "error",
      "@typescript-eslint/ban-ts-comment": [
        "error",
        {
          "ts-expect-error": "allow-with-description",
          "ts-ignore": true,
          "ts-nocheck": true,
          minimumDescriptionLength: 10,
        },
      ],
      "@typescript-eslint/switch-exhaustiveness-check": ["error", { considerDefaultExhaustiveForUnions: true }],
      "@typescript-eslint/consistent-type-imports": "error",
      "@typescript-eslint/no-unused-vars": ["error", { argsIgnorePattern: "^_", varsIgnorePattern: "^_" }],
      // an interface's method may be async for other implementations' sake
      "@typescript-eslint/require-await": "off",
      // ids are branded strings and errors carry codes; numbers read well in messages
      "@typescript-eslint/restrict-template-expressions": ["error", { allowNumber: true, allowBoolean: true }],
      eqeqeq: ["error", "always"],
      "no-restricted-syntax": ["error", noBarrel],
    },
  },
  {
    files: ["sdk/src/**/*.{ts,tsx}", "sync-server/src/**/*.ts"],
    ignores: ambientAllowed,
    rules: {
      "no-restricted-globals": ["error", ...timers.map((name) => ({ name, message: fromEnvironment }))],
      "no-restricted-properties": ["error", ...ambientProperties],
      "no-restricted-syntax": ["error", noBarrel, ...noAmbientDate],
      "no-restricted-imports": [
        "error",
        {
          paths: [
            { name: "node:timers", message: fromEnvironment },
            { name: "node:timers/promises", message: fromEnvironment },
            { name: "node:perf_hooks", message: fromEnvironment },
            {
              name: "node:crypto",
              importNames: ["randomBytes", "randomFill", "randomInt", "randomUUID", "webcrypto"],
              message: fromEnvironment,
            },
          ],
        },
      ],
    },
  },
  {
    // a public entry: what both sides must agree on is exported whole
    files: ["sdk/src/protocol.ts"],
    rules: { "no-restricted-syntax": ["error", ...noAmbientDate] },
  },
  {
    files: ["sdk/src/react.tsx", "demo/src/**/*.{ts,tsx}"],
    extends: [reactHooks.configs.flat.recommended],
  },
  {
    // vitest's expect(spy.method) and stock packages without types
    files: ["**/*.test.{ts,tsx}", "test/**/*.{ts,tsx}"],
    rules: {
      "@typescript-eslint/unbound-method": "off",
      "@typescript-eslint/no-non-null-assertion": "off",
    },
  },
  {
    files: ["**/*.{js,mjs,cjs}"],
    languageOptions: { globals: globals.node },
  },
)
