import { graphql, type ResultOf } from "../../../api/graphql";

export const SystemQuery = graphql(`
  query System {
    projections {
      name
      question
      lagEvents
      lagSeconds
      parked
    }
  }
`);

export const ParkedQuery = graphql(`
  query ParkedEvents {
    parked {
      eventId
      projection
      type
      stream
      reason
      recordedAt
    }
  }
`);

export type ReadModel = ResultOf<typeof SystemQuery>["projections"][number];
export type ParkedEvent = ResultOf<typeof ParkedQuery>["parked"][number];
