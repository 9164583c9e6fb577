import type { LogEntry } from "./MessageQuery";

export interface Considered {
  provider: string;
  account: string;
  priority: number;
  leftOut?: string;
}

export interface Attempt {
  number: number;
  at: string;
  provider: string;
  account: string;
  result: "taken" | "failed" | "inDoubt" | "running";
  code?: string;
  retryAt?: string;
  /** What decided between the accounts; absent if there was one alone or nothing to decide. */
  by?: string;
  considered: Considered[];
}

const ENDS: Record<string, Attempt["result"]> = {
  MessageSent: "taken",
  DispatchFailed: "failed",
  DispatchInDoubt: "inDoubt",
};

/** The calls of providers for a message, read from its log. */
export function attemptsOf(entries: readonly Pick<LogEntry, "type" | "occurredAt" | "data">[]): Attempt[] {
  const attempts: Attempt[] = [];
  for (const { type, occurredAt, data } of entries) {
    const fields = fieldsOf(data);
    const last = attempts.at(-1);
    const end = ENDS[type];
    if (type === "DispatchStarted") {
      const choice = fieldsOf(fields.choice);
      attempts.push({
        number: Number(fields.attempt),
        at: occurredAt,
        provider: textOf(fields.provider) ?? "",
        account: textOf(fields.account) ?? "",
        result: "running",
        by: textOf(choice.by),
        considered: Array.isArray(choice.considered) ? choice.considered.map(consideredOf) : [],
      });
    } else if (end && last) {
      last.result = end;
      last.code = textOf(fields.code) ?? textOf(fields.class);
      last.retryAt = textOf(fields.retry_at);
    }
  }
  return attempts;
}

function consideredOf(value: unknown): Considered {
  const fields = fieldsOf(value);
  return {
    provider: textOf(fields.provider) ?? "",
    account: textOf(fields.account) ?? "",
    priority: Number(fields.priority),
    leftOut: textOf(fields.left_out),
  };
}

export interface Opened {
  id: string;
  kind: "opens" | "clicks";
  at: string;
  class: string;
}

/** Each reported open and click with the class that it was given. */
export function engagementOf(entries: readonly Pick<LogEntry, "id" | "type" | "occurredAt" | "data">[]): Opened[] {
  return entries.flatMap(({ id, type, occurredAt, data }) => {
    if (type !== "MessageOpened" && type !== "MessageClicked") return [];
    const kind = type === "MessageOpened" ? "opens" : "clicks";
    return [{ id, kind, at: occurredAt, class: textOf(fieldsOf(data).class) ?? "" }];
  });
}

const fieldsOf = (value: unknown): Record<string, unknown> =>
  typeof value === "object" && value !== null ? { ...value } : {};
const textOf = (value: unknown): string | undefined => (typeof value === "string" ? value : undefined);
