/** What the variables of canned replies stand for, by name. */
export interface CannedValues {
  "customer.name"?: string | null;
  "customer.external_id"?: string | null;
  "customer.territory"?: string | null;
  "customer.owner"?: string | null;
  "agent.name"?: string;
  /** Free attributes of the customer. */
  attributes?: unknown;
}

const ATTRIBUTE = "customer.attributes.";

/**
 * Fills `{{customer.name|there}}` as the server does, so that an agent reads what the customer will read. What is not known
 * stays as it is: the agent sees it and writes something else.
 */
export function filled(body: string, values: CannedValues): string {
  return body.replace(/\{\{([^{}|]+)(?:\|([^{}]*))?\}\}/g, (whole, written: string, fallback: string | undefined) => {
    const name = written.trim();
    const value = name.startsWith(ATTRIBUTE)
      ? memberOf(values.attributes, name.slice(ATTRIBUTE.length))
      : memberOf(values, name);
    return typeof value === "string" || typeof value === "number" ? String(value) : (fallback?.trim() ?? whole);
  });
}

const memberOf = (value: unknown, name: string): unknown =>
  typeof value === "object" && value !== null && Object.hasOwn(value, name) ? Reflect.get(value, name) : undefined;

/** The text in the customer's language, such as `de` for `de-AT`, otherwise in the default one. */
export function bodyFor(
  reply: { bodies: readonly { locale: string; body: string }[]; defaultLocale: string },
  locale: string | null,
): string {
  const wanted = [locale, locale?.split("-", 1)[0], reply.defaultLocale];
  for (const one of wanted) {
    const found = reply.bodies.find((body) => body.locale === one);
    if (found) return found.body;
  }
  return reply.bodies[0]?.body ?? "";
}
