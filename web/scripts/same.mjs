// Compares two builds by name and content: packing may differ between versions of Node.js, what is packed may not.
// Usage: node scripts/same.mjs COMMITTED BUILT
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";

const [committed, built] = process.argv.slice(2).map((folder) => {
  const names = readdirSync(folder, { recursive: true }).filter((name) => name.endsWith(".gz"));
  return new Map(names.map((name) => [name, gunzipSync(readFileSync(join(folder, name)))]));
});
const names = [...new Set([...committed.keys(), ...built.keys()])].sort();
const differing = names.filter((name) => {
  const [one, other] = [committed.get(name), built.get(name)];
  return !one || !other || !one.equals(other);
});
if (differing.length > 0) {
  process.stderr.write(`web/dist is not what the sources give: run make web\n  ${differing.join("\n  ")}\n`);
  process.exit(1);
}
