import { readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { gzipSync } from "node:zlib";
import type { Plugin } from "vite";

/**
 * Replaces each built file by its gzip. The header of Node's gzip holds neither a time nor a name, only the system in its
 * tenth byte, which is set to "unknown": the same sources give the same bytes on each machine.
 */
export function compressed(): Plugin {
  let folder = "";
  return {
    name: "compressed",
    apply: "build",
    configResolved(config) {
      folder = resolve(config.root, config.build.outDir);
    },
    async closeBundle() {
      for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
        if (!entry.isFile()) continue;
        const path = join(entry.parentPath, entry.name);
        const bytes = gzipSync(await readFile(path), { level: 9 });
        bytes[9] = 255;
        await writeFile(`${path}.gz`, bytes);
        await rm(path);
      }
    },
  };
}
