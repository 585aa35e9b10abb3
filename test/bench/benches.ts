import { bundle } from "./bundle.ts"
import { catchUp } from "./catch-up.ts"
import { disk } from "./disk.ts"
import { diverge } from "./diverge.ts"
import { fanOutMany, fanOutOne } from "./fan-out.ts"
import type { Bench } from "./figure.ts"
import { ingest, ingestSingle } from "./ingest.ts"
import { latency } from "./latency.ts"
import { list } from "./list.ts"
import { memoryDocuments, memorySockets } from "./memory.ts"
import { open, openVersusNaive } from "./open.ts"
import { peering } from "./peering.ts"
import { reconnect } from "./reconnect.ts"
import { start } from "./start.ts"
import { verify } from "./verify.ts"
import { wire } from "./wire.ts"

/** All of them, in the order of tables. */
export const benches: readonly Bench[] = [
  open,
  openVersusNaive,
  list,
  ingest,
  ingestSingle,
  fanOutMany,
  fanOutOne,
  latency,
  memoryDocuments,
  memorySockets,
  reconnect,
  catchUp,
  wire,
  disk,
  verify,
  diverge,
  peering,
  bundle,
  start,
]
