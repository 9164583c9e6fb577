import { type Enum, graphql, type ResultOf, type VariablesOf } from "../../../api/graphql";
import { CHANNELS, type Channel } from "../../../components/Status";
import { microsOf } from "./micros";

// A plan as the form has it: texts that people type, flat, and complete. `inputOf` makes what the API takes of it.

export const CreateCampaign = graphql(`
  mutation CreateCampaign($input: CampaignInput!, $idempotencyKey: String) {
    createCampaign(input: $input, idempotencyKey: $idempotencyKey) {
      campaign {
        id
      }
      refusal {
        code
        message
        field
      }
    }
  }
`);

export const PlanFragment = graphql(`
  fragment CampaignPlanParts on CampaignPlan @_unmask {
    channel
    topic
    template
    version
    variables
    stopAfterMinutes
    holdOut
    audience {
      everybody
      lists {
        id
        name
        memberCount
      }
      exclude {
        id
        name
        memberCount
      }
    }
    fallbacks {
      channel
      template
      version
    }
    variants {
      name
      share
      template
      version
    }
    winner {
      metric
      test
      undecided
      waitMinutes
    }
    start {
      at
      cron
      localDate
      localTime
      observations
      spreadMinutes
      until
      zone
    }
    rate {
      messages
      per
      burst
    }
    seasons {
      from
      until
      rate {
        messages
        per
        burst
      }
    }
    thresholds {
      complaints
      hardBounces
      errors
    }
    budget {
      amount {
        amount
        currency
      }
      price {
        amount
        micros
      }
      warnPercent
    }
  }
`);

export type Plan = ResultOf<typeof PlanFragment>;
export type CampaignInput = VariablesOf<typeof CreateCampaign>["input"];

export const STARTS = ["now", "at", "local", "best", "recurring"] as const;
export const PERIODS = ["SECOND", "MINUTE", "HOUR"] as const satisfies readonly Enum<"RatePeriod">[];
export const WINNER_METRICS = [
  "CLICKED",
  "OPENED",
  "REPLIED",
  "ORDERED",
] as const satisfies readonly Enum<"WinnerMetric">[];

export interface Fallback {
  channel: Channel;
  template: string;
  version: number | null;
}

export interface DraftVariant {
  name: string;
  /** Percent of those who are not held out. */
  share: string;
  template: string;
  version: number | null;
}

export interface Draft {
  name: string;
  topic: string;
  channel: Channel;
  fallbacks: Fallback[];
  everybody: boolean;
  /** Global ids. */
  lists: string[];
  exclude: string[];
  template: string;
  version: number | null;
  /** A JSON object; blank without values. */
  variables: string;
  variants: DraftVariant[];
  holdOut: string;
  /** Percent that is tested before a winner goes to the rest; blank tests everybody. */
  test: string;
  winnerMetric: (typeof WINNER_METRICS)[number];
  waitMinutes: string;
  asks: boolean;
  start: (typeof STARTS)[number];
  /** A moment on the person's clock, as a `datetime-local` field has it. */
  at: string;
  date: string;
  time: string;
  observations: string;
  cron: string;
  zone: string;
  until: string;
  spreadMinutes: string;
  stopAfterMinutes: string;
  /** Messages; blank for the channel's default. */
  rate: string;
  per: (typeof PERIODS)[number];
  burst: number;
  seasons: Plan["seasons"];
  /** Percent. */
  complaints: string;
  hardBounces: string;
  errors: string;
  /** Blank: without one. */
  budget: string;
  currency: string;
  price: string;
  warnPercent: string;
}

export const EMPTY_DRAFT: Draft = {
  name: "",
  topic: "newsletter",
  channel: "EMAIL",
  fallbacks: [],
  everybody: false,
  lists: [],
  exclude: [],
  template: "",
  version: null,
  variables: "",
  variants: [],
  holdOut: "",
  test: "",
  winnerMetric: "CLICKED",
  waitMinutes: "240",
  asks: false,
  start: "now",
  at: "",
  date: "",
  time: "09:00",
  observations: "10",
  cron: "0 9 * * 1",
  zone: Intl.DateTimeFormat().resolvedOptions().timeZone,
  until: "",
  spreadMinutes: "",
  stopAfterMinutes: "",
  rate: "",
  per: "MINUTE",
  burst: 0,
  seasons: [],
  complaints: "0.1",
  hardBounces: "5",
  errors: "10",
  budget: "",
  currency: "EUR",
  price: "",
  warnPercent: "80",
};

const whole = (typed: string): number | undefined => (typed.trim() === "" ? undefined : Math.round(Number(typed)));
const basisPoints = (percent: string): number | undefined =>
  percent.trim() === "" ? undefined : Math.round(Number(percent) * 100);
const percent = (points: number): string => String(points / 100);
/** Zero is "without" in these fields. */
const orBlank = (value: number): string => (value === 0 ? "" : String(value));

/** A moment as a `datetime-local` field has it, on the person's clock. */
export function localMoment(at: string): string {
  const moment = new Date(at);
  return new Date(moment.getTime() - moment.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
}

const momentOf = (local: string): string | undefined => (local === "" ? undefined : new Date(local).toISOString());

/** The name of the only variant of a plan that has a hold-out and compares no texts. */
const ONLY = "all";

export function draftOf(name: string, plan: Plan): Draft {
  const { start, winner, budget } = plan;
  const isOnly = plan.variants.length === 1 && plan.variants[0]?.template === plan.template;
  return {
    ...EMPTY_DRAFT,
    name,
    topic: plan.topic,
    channel: plan.channel,
    fallbacks: plan.fallbacks.map((one) => ({ ...one })),
    everybody: plan.audience.everybody,
    lists: plan.audience.lists.map((list) => list.id),
    exclude: plan.audience.exclude.map((list) => list.id),
    template: plan.template,
    version: plan.version,
    variables: Object.keys(plan.variables).length === 0 ? "" : JSON.stringify(plan.variables, null, 2),
    variants: isOnly ? [] : plan.variants.map((one) => ({ ...one, share: percent(one.share) })),
    holdOut: orBlank(plan.holdOut / 100),
    ...(winner && {
      test: percent(winner.test),
      winnerMetric: winner.metric,
      waitMinutes: String(winner.waitMinutes),
      asks: winner.undecided === "ASK",
    }),
    start: startKind(start),
    at: start.at ? localMoment(start.at) : "",
    date: start.localDate ?? "",
    time: start.localTime?.slice(0, 5) ?? EMPTY_DRAFT.time,
    observations: String(start.observations ?? EMPTY_DRAFT.observations),
    cron: start.cron ?? EMPTY_DRAFT.cron,
    zone: start.zone ?? EMPTY_DRAFT.zone,
    until: start.until ? localMoment(start.until) : "",
    spreadMinutes: orBlank(start.spreadMinutes),
    stopAfterMinutes: orBlank(plan.stopAfterMinutes),
    rate: String(plan.rate.messages),
    per: plan.rate.per,
    burst: plan.rate.burst,
    seasons: plan.seasons,
    complaints: percent(plan.thresholds.complaints),
    hardBounces: percent(plan.thresholds.hardBounces),
    errors: percent(plan.thresholds.errors),
    ...(budget && {
      budget: budget.amount.amount,
      currency: budget.amount.currency,
      price: budget.price.micros === "0" ? "" : budget.price.amount,
      warnPercent: String(budget.warnPercent),
    }),
  };
}

export function startKind(start: Plan["start"]): Draft["start"] {
  if (start.cron) return "recurring";
  if (start.localDate) return start.observations === null ? "local" : "best";
  return start.at ? "at" : "now";
}

function startOf(draft: Draft): CampaignInput["start"] {
  switch (draft.start) {
    case "now":
      return undefined;
    case "at":
      return draft.at ? { at: new Date(draft.at).toISOString() } : undefined;
    case "local":
      return { localTime: { date: draft.date, time: draft.time } };
    case "best":
      return { bestHour: { date: draft.date, fallback: draft.time, observations: whole(draft.observations) } };
    case "recurring":
      return { recurring: { cron: draft.cron, zone: draft.zone, until: momentOf(draft.until) } };
  }
}

function experimentOf(draft: Draft): CampaignInput["experiment"] {
  const holdOut = basisPoints(draft.holdOut) ?? 0;
  const test = basisPoints(draft.test);
  if (draft.variants.length === 0) {
    return holdOut === 0 ? undefined : { holdOut, variants: [{ name: ONLY, share: 10_000 }] };
  }
  return {
    holdOut,
    variants: draft.variants.map(({ name, share, template, version }) => ({
      name,
      share: basisPoints(share) ?? 0,
      template: template || undefined,
      version: version ?? undefined,
    })),
    winner: test
      ? {
          test,
          metric: draft.winnerMetric,
          waitMinutes: whole(draft.waitMinutes) ?? 0,
          undecided: draft.asks ? "ASK" : "LEADER",
        }
      : undefined,
  };
}

/** What the API takes. Blank fields are left out, so that its defaults hold. */
export function inputOf(draft: Draft): CampaignInput {
  return {
    name: draft.name.trim(),
    topic: draft.topic.trim(),
    channel: draft.channel,
    fallbacks: draft.fallbacks.map(({ channel, template, version }) => ({
      channel,
      template: template || undefined,
      version: version ?? undefined,
    })),
    audience: { everybody: draft.everybody, lists: draft.everybody ? [] : draft.lists, exclude: draft.exclude },
    template: draft.template,
    version: draft.version ?? undefined,
    variables: variablesOf(draft.variables),
    experiment: experimentOf(draft),
    start: startOf(draft),
    spreadMinutes: whole(draft.spreadMinutes) ?? 0,
    stopAfterMinutes: whole(draft.stopAfterMinutes) ?? 0,
    rate: draft.rate === "" ? undefined : { messages: whole(draft.rate) ?? 0, per: draft.per, burst: draft.burst },
    seasons: draft.seasons.map(({ from, until, rate }) => ({ from, until, rate: { ...rate } })),
    thresholds: {
      complaints: basisPoints(draft.complaints),
      hardBounces: basisPoints(draft.hardBounces),
      errors: basisPoints(draft.errors),
    },
    budget:
      draft.budget === ""
        ? undefined
        : {
            micros: microsOf(draft.budget),
            currency: draft.currency,
            priceMicros: draft.price === "" ? undefined : microsOf(draft.price),
            warnPercent: whole(draft.warnPercent),
          },
  };
}

/** The object that was typed; undefined for a blank field or what is not an object. */
export function variablesOf(typed: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(typed);
    return isRecord(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** A draft that is not on the server yet, for the URL: only what differs from an empty one. */
export function draftToUrl(draft: Draft): string | undefined {
  const changed = Object.entries(draft).filter(
    ([key, value]) => JSON.stringify(value) !== JSON.stringify(EMPTY_DRAFT[key as keyof Draft]),
  );
  return changed.length === 0 ? undefined : JSON.stringify(Object.fromEntries(changed));
}

/** Takes from a URL what has the shape of a draft and leaves the rest. */
export function draftFromUrl(raw: string | undefined): Draft {
  const given = variablesOf(raw ?? "") ?? {};
  const kept = Object.entries(EMPTY_DRAFT).map(([key, fallback]) => {
    const value = given[key];
    const isAlike = typeof value === typeof fallback && Array.isArray(value) === Array.isArray(fallback);
    return [key, isAlike && value !== null ? value : fallback];
  });
  const draft = Object.fromEntries(kept) as Draft;
  return {
    ...draft,
    channel: CHANNELS.includes(draft.channel) ? draft.channel : EMPTY_DRAFT.channel,
    start: STARTS.includes(draft.start) ? draft.start : EMPTY_DRAFT.start,
    per: PERIODS.includes(draft.per) ? draft.per : EMPTY_DRAFT.per,
    winnerMetric: WINNER_METRICS.includes(draft.winnerMetric) ? draft.winnerMetric : EMPTY_DRAFT.winnerMetric,
    lists: draft.lists.filter((id) => typeof id === "string"),
    exclude: draft.exclude.filter((id) => typeof id === "string"),
    fallbacks: draft.fallbacks.filter((one) => isRecord(one) && CHANNELS.includes(one.channel)),
    variants: draft.variants.filter(
      (one) => isRecord(one) && [one.name, one.share, one.template].every((part) => typeof part === "string"),
    ),
    seasons: [],
  };
}
