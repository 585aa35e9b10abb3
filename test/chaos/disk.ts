import { spawnSync } from "node:child_process"
import { mkdtemp, open, rm, rmdir } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"

/** Enough for a thousand rounds, little enough to be filled in a moment. */
const SIZE_MB = 512
const CHUNK_BYTES = 1024 * 1024

/** A small disk in memory that can be filled; only root on Linux may mount one. */
export class SmallDisk {
  private constructor(readonly folder: string) {}

  /** Undefined where this machine has no such disk for us. */
  static async mount(): Promise<SmallDisk | undefined> {
    const folder = await mkdtemp(join(tmpdir(), "weft-chaos-disk-"))
    const mounted = spawnSync("mount", ["-t", "tmpfs", "-o", `size=${SIZE_MB}m`, "tmpfs", folder]).status === 0
    if (mounted) return new SmallDisk(folder)
    await rmdir(folder)
    return undefined
  }

  /** Takes all the room that is left, down to the last page. */
  async fill(): Promise<void> {
    const ballast = await open(this.ballast, "w")
    try {
      for (let bytes = CHUNK_BYTES; bytes >= 4096;) {
        const { bytesWritten } = await ballast.write(new Uint8Array(bytes)).catch((error: NodeJS.ErrnoException) => {
          if (error.code !== "ENOSPC") throw error
          return { bytesWritten: 0 }
        })
        if (bytesWritten === 0) bytes /= 16
      }
    } finally {
      await ballast.close()
    }
  }

  async empty(): Promise<void> {
    await rm(this.ballast, { force: true })
  }

  /** At once, for a process that is about to end. */
  unmount(): void {
    spawnSync("umount", ["--lazy", this.folder])
    spawnSync("rmdir", [this.folder])
  }

  private get ballast(): string {
    return join(this.folder, "ballast")
  }
}
