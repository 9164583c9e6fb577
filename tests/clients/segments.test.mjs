// SMS segments, beside the counter that Twilio publishes. SMS_TEXTS is a file of more texts, one a line after a
// label and a tab (the SMS Spam Collection of UCI has that form), gzipped or not.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, before, test } from "node:test";
import { gunzipSync } from "node:zlib";
import segments from "sms-segments-calculator";
import { PATIENCE, Server } from "./server.mjs";

const { SegmentedMessage } = segments;
// How many previews one request asks for.
const AT_ONCE = 20;

let server;
before(async () => (server = await Server.start()));
after(() => server.stop());

const EDGES = [
  "a",
  "a".repeat(160),
  "a".repeat(161),
  "a".repeat(306),
  "a".repeat(307),
  "ü".repeat(160),
  "€".repeat(80),
  "€".repeat(81),
  // A pair of an escape and its character is not parted between segments.
  `${"a".repeat(152)}€${"a".repeat(152)}`,
  `${"a".repeat(152)}{${"a".repeat(153)}`,
  "я".repeat(70),
  "я".repeat(71),
  "я".repeat(134),
  "я".repeat(135),
  "👍".repeat(35),
  "👍".repeat(36),
  `${"я".repeat(66)}👍${"я".repeat(10)}`,
  "👨‍👩‍👧‍👦 and more",
  "’typographic’",
  "^{}\\[~]|€".repeat(10),
  "ÇØøÅåΔΦΓΛΩΠΨΣΘΞÆæßÉ ¤¡ÄÖÑÜ§¿äöñüà",
  "çãõ",
  "line\nline\nline",
];

async function counted(texts) {
  const fields = texts.map(
    (_, n) => `t${n}: previewTemplate(input: { template: $template, channel: SMS, variables: $v${n} })
      { preview { body segments ucs2 } refusal { message } }`,
  );
  const query = `query($template: PreviewedTemplateInput!, ${texts.map((_, n) => `$v${n}: Attributes`).join(", ")}) { ${fields.join(" ")} }`;
  const variables = {
    template: {
      unsaved: { code: "segments", title: "Segments", contents: [{ locale: "en", texts: { sms: { body: "{{ text }}" } } }] },
    },
  };
  texts.forEach((text, n) => (variables[`v${n}`] = { text }));
  const response = await fetch(server.url, {
    method: "POST",
    headers: { "content-type": "application/json", ...server.headers },
    body: JSON.stringify({ query, variables }),
  });
  const answer = await response.json();
  assert.equal(answer.errors, undefined, JSON.stringify(answer.errors));
  return texts.map((_, n) => answer.data[`t${n}`].preview);
}

test("segments are those that the sender counts", { timeout: 20 * PATIENCE }, async (context) => {
  const file = process.env.SMS_TEXTS;
  const bytes = file && readFileSync(file);
  const lines = bytes ? (file.endsWith(".gz") ? gunzipSync(bytes) : bytes).toString("utf8").split(/\r?\n/) : [];
  const texts = [...EDGES, ...lines.slice(1).map((line) => line.slice(line.indexOf("\t") + 1)).filter((text) => text.trim())];
  let more = 0;
  for (let start = 0; start < texts.length; start += AT_ONCE) {
    const part = texts.slice(start, start + AT_ONCE);
    for (const preview of await counted(part)) {
      const expected = new SegmentedMessage(preview.body, "auto");
      const shown = JSON.stringify(preview.body);
      assert.equal(preview.segments, expected.segmentsCount, shown);
      assert.equal(preview.ucs2, expected.encodingName === "UCS-2", shown);
      more += 1;
    }
  }
  assert.equal(more, texts.length);
  context.diagnostic(`${texts.length} texts`);
});
