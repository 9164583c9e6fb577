// Writes the starter set of templates as the API takes it, and the values that show it, from the folder that the command line
// carries too. Partials come first: what includes them can be published after them.
import { readdir, readFile, writeFile } from "node:fs/promises";
import { parse } from "smol-toml";

const ROOT = new URL("../../starter/", import.meta.url);
const SECTIONS = new Set(["title", "kind", "class", "default_locale", "email", "variables"]);

async function foldersIn(folder) {
  const entries = await readdir(folder, { withFileTypes: true });
  return entries.filter((entry) => entry.isDirectory()).map((entry) => new URL(`${entry.name}/`, folder));
}

async function templateIn(folder) {
  const files = (await readdir(folder)).sort();
  const read = (name) => readFile(new URL(name, folder), "utf8");
  const about = parse(await read("template.toml"));
  const unknown = Object.keys(about).find((name) => !SECTIONS.has(name));
  if (unknown) throw new Error(`${folder}: the section ${unknown} is not read here`);
  const contents = [];
  for (const file of files) {
    const [, locale, rest] = /^([\w-]+?)\.(mjml|html|sms\.txt)$/.exec(file) ?? [];
    if (!locale) continue;
    if (rest === "sms.txt") {
      contents.push({ locale, texts: { sms: { body: trimmed(await read(file)) } } });
      continue;
    }
    const plain = files.includes(`${locale}.txt`) ? trimmed(await read(`${locale}.txt`)) : null;
    // A partial has no subject of its own: as on the command line, its title stands there.
    const { subject = about.title, preheader = null } = about.email?.[locale] ?? {};
    const source = trimmed(await read(file));
    contents.push({
      locale,
      texts: { email: { markup: rest.toUpperCase(), subject, preheader, source, text: plain } },
    });
  }
  return {
    code: folder.pathname.split("/").at(-2),
    title: about.title,
    kind: about.kind.toUpperCase(),
    class: (about.class ?? "marketing").toUpperCase(),
    defaultLocale: about.default_locale ?? contents[0].locale,
    variables: about.variables ?? {},
    contents,
  };
}

// The last end of a line does not count.
const trimmed = (text) => text.replace(/\r\n/g, "\n").replace(/\n$/, "");

const folders = (await foldersIn(ROOT)).filter((folder) => !folder.pathname.endsWith("/partials/"));
const partials = await foldersIn(new URL("partials/", ROOT));
const byCode = (one, other) => one.code.localeCompare(other.code, "en");
const read = async (all) => (await Promise.all(all.map(templateIn))).sort(byCode);
// A partial that includes another one comes after it.
const inOrder = (all) => all.sort((one, other) => includes(one).length - includes(other).length);
const includes = ({ contents }) => contents.flatMap(({ texts }) => texts.email?.source.match(/{%-?\s*include/g) ?? []);
const set = [...inOrder(await read(partials)), ...(await read(folders))];
const sample = parse(await readFile(new URL("sample.toml", ROOT), "utf8"));

const write = (name, text) => writeFile(new URL(`../src/pages/templates/starter/${name}`, import.meta.url), text);
await write(
  "starter.gen.ts",
  `import type { TemplateInput } from "../draft/draft";\n\nexport const STARTER: TemplateInput[] = ${JSON.stringify(set)};\n`,
);
await write("sample.gen.ts", `export const SAMPLE: Record<string, unknown> = ${JSON.stringify(sample)};\n`);
