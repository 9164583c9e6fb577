// The browser reports each inline style, handler and remote address of a parsed mail as a breach of the pages' policy, even
// in a document that is never shown. So the text is cleaned before any parser sees it. The policy and the frame's sandbox
// would stop what this lets through; it is here so that a mail looks as it does elsewhere, and fetches nothing.

export interface CleanedMail {
  /** Harmless HTML; styles of elements are in `data-style`. */
  html: string;
  /** The text of all style sheets. */
  css: string;
  /** Pictures that were left out because they are elsewhere. */
  picturesLeftOut: number;
}

const TAGS = new Set(
  `a abbr address article aside b bdi bdo big blockquote body br caption center cite code col colgroup dd del details dfn
  div dl dt em figcaption figure font footer h1 h2 h3 h4 h5 h6 header hr html i img ins kbd li main mark nav ol p pre q s
  samp section small span strike strong sub summary sup table tbody td tfoot th thead time tr tt u ul var wbr`.split(
    /\s+/,
  ),
);

const ATTRIBUTES = new Set(
  `align alt bgcolor border cellpadding cellspacing class color colspan dir face height hspace id lang nowrap role rowspan
  scope size span start title type valign vspace width`.split(/\s+/),
);

/** Elements whose text is no HTML: it goes with them. */
const OPAQUE = new Set([
  "script",
  "style",
  "title",
  "textarea",
  "noscript",
  "iframe",
  "xmp",
  "template",
  "svg",
  "math",
]);

const ATTRIBUTE = /([^\s"'<>/=]+)(?:\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'<>`]+)))?/g;

export function cleaned(mail: string): CleanedMail {
  const out: string[] = [];
  const sheets: string[] = [];
  let picturesLeftOut = 0;
  let at = 0;
  for (let open = mail.indexOf("<"); open >= 0; open = mail.indexOf("<", at)) {
    out.push(mail.slice(at, open));
    const end = endOfTag(mail, open);
    if (end === open) {
      // A `<` that begins no tag is a letter.
      out.push("&lt;");
      at = open + 1;
      continue;
    }
    at = end;
    // What has no end is not shown.
    const inside = mail[end - 1] === ">" ? mail.slice(open + 1, end - 1) : "";
    const [begin = "", closing = "", written = ""] = /^(\/?)([a-z][^\s/>]*)/i.exec(inside) ?? [];
    const tag = written.toLowerCase();
    if (OPAQUE.has(tag) && !closing) {
      const close = closingOf(mail, tag, end);
      if (tag === "style") sheets.push(mail.slice(end, close));
      at = behind(mail, ">", close);
    } else if (TAGS.has(tag)) {
      const kept = closing ? "" : attributesOf(tag, inside.slice(begin.length));
      if (tag === "img" && !kept.includes(" src=")) picturesLeftOut += 1;
      out.push(`<${closing}${tag}${kept}>`);
    }
  }
  out.push(mail.slice(at));
  return { html: out.join(""), css: sheets.map(withoutAddresses).join("\n"), picturesLeftOut };
}

/** Behind the tag or comment that begins at `open`; `open` itself if none begins there. What has no end ends the mail. */
function endOfTag(mail: string, open: number): number {
  const next = mail[open + 1] ?? "";
  if (!/[a-z/!?]/i.test(next)) return open;
  if (mail.startsWith("<!--", open)) return behind(mail, "-->", open);
  if (/[!?]/.test(next)) return behind(mail, ">", open);
  let quote = "";
  for (let at = open + 1; at < mail.length; at += 1) {
    const letter = mail[at] ?? "";
    if (quote) quote = letter === quote ? "" : quote;
    // Quotes begin only at a value.
    else if ((letter === '"' || letter === "'") && /=\s*$/.test(mail.slice(Math.max(open, at - 8), at))) quote = letter;
    else if (letter === ">") return at + 1;
  }
  return mail.length;
}

function behind(mail: string, mark: string, from: number): number {
  const found = mail.indexOf(mark, from);
  return found < 0 ? mail.length : found + mark.length;
}

/** Where the tag that closes an opaque element begins. */
function closingOf(mail: string, tag: string, from: number): number {
  const close = new RegExp(`</${tag}`, "ig");
  close.lastIndex = from;
  return close.exec(mail)?.index ?? mail.length;
}

function attributesOf(tag: string, written: string): string {
  let kept = "";
  for (const [, name = "", double, single, bare] of written.matchAll(ATTRIBUTE)) {
    const value = double ?? single ?? bare ?? "";
    const lower = name.toLowerCase();
    if (lower === "style") kept += ` data-style="${quoted(withoutAddresses(value))}"`;
    // Where a link leads is said; it leads nowhere from here.
    else if (lower === "href" && tag === "a") kept += ` title="${quoted(value)}" data-link=""`;
    else if (lower === "src" && tag === "img" && /^data:image\/(?!svg)/i.test(value)) kept += ` src="${quoted(value)}"`;
    else if (ATTRIBUTES.has(lower)) kept += ` ${lower}="${quoted(value)}"`;
  }
  return kept;
}

const quoted = (value: string): string => value.replaceAll('"', "&quot;").replaceAll("<", "&lt;");

const withoutAddresses = (css: string): string =>
  css
    .replace(/<!--|-->/g, "")
    .replace(/@(?:import|charset|namespace)[^;]*;?/gi, "")
    .replace(/(?:url|src|image-set)\s*\([^)]*\)?/gi, "none");
