import { parseArgs, type ParseArgsConfig } from "node:util"

/** The flags of a command, as `parseArgs` reads them. `--help` prints how it is used; what it does not know ends it with 2. */
export function readFlags<T extends ParseArgsConfig>(usage: string, config: T): ReturnType<typeof parseArgs<T>> {
  if (process.argv.includes("--help")) {
    console.log(`usage: ${usage}`)
    process.exit(0)
  }
  try {
    return parseArgs(config)
  } catch (error) {
    return endWithUsage(usage, error instanceof Error ? error.message : String(error))
  }
}

/** Ends the command with 2: `problem` is what is wrong with its flags. */
export function endWithUsage(usage: string, problem: string): never {
  console.error(`${problem}\nusage: ${usage}`)
  process.exit(2)
}
