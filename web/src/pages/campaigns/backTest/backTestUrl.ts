import type { Enum, VariablesOf } from "../../../api/graphql";
import { CHANNELS } from "../../../components/Status";
import { flag, oneOf, optionalOneOf, text, urlState, words } from "../../../url/urlState";
import type { BackTestQuery } from "./BackTestQuery";

export const WINDOWS = ["DAY", "WEEK", "MONTH", "ROLLING_HOURS"] as const satisfies readonly Enum<"CapWindow">[];
export const ACTIONS = ["ABORT", "HOLD"] as const satisfies readonly Enum<"RuleAction">[];

export const backTestUrl = urlState({
  /** True once it was asked for: a link runs it again. */
  run: flag(),
  /** Days; by default the last 30. */
  since: text(),
  until: text(),
  limit: text(),
  window: oneOf(WINDOWS, "WEEK"),
  hours: text("24"),
  capChannel: optionalOneOf(CHANNELS),
  capAction: oneOf(ACTIONS, "ABORT"),
  from: text(),
  to: text(),
  quietChannel: optionalOneOf(CHANNELS),
  exclude: words(),
});

export type BackTestState = ReturnType<typeof backTestUrl.parse>;
export type BackTestInput = VariablesOf<typeof BackTestQuery>["input"];

const moment = (day: string): string | undefined => (day === "" ? undefined : new Date(`${day}T00:00`).toISOString());

/** What is tried. Caps and quiet hours replace those in force; what is blank stays in force. */
export function inputOf(state: BackTestState): BackTestInput {
  const caps =
    state.limit === ""
      ? undefined
      : [
          {
            limit: Math.round(Number(state.limit)),
            window: state.window,
            hours: state.window === "ROLLING_HOURS" ? Math.round(Number(state.hours)) : undefined,
            channel: state.capChannel,
            action: state.capAction,
          },
        ];
  const quietHours =
    state.from === "" || state.to === ""
      ? undefined
      : [{ from: state.from, to: state.to, channel: state.quietChannel }];
  return {
    since: moment(state.since),
    until: moment(state.until),
    excludeLists: state.exclude.length > 0 ? state.exclude : undefined,
    policy: caps || quietHours ? { caps, quietHours } : undefined,
  };
}
