import { graphql, type ResultOf } from "../../../api/graphql";

export const TrafficQuery = graphql(`
  query Traffic($since: DateTime!, $until: DateTime!, $step: TrafficStep!, $timeZone: String!) {
    traffic(since: $since, until: $until, step: $step, timeZone: $timeZone) {
      from
      channel
      sent
      delivered
      opened
      clicked
      received
      bounced
      failed
      complained
      optedOut
      held
      suppressed
    }
  }
`);

export type TrafficPoint = ResultOf<typeof TrafficQuery>["traffic"][number];
