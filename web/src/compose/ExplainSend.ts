import { graphql, type ResultOf } from "../api/graphql";

export const ExplainSend = graphql(`
  query ExplainSend($input: SendMessageInput!) {
    explainSend(input: $input) {
      decision
      rule
      heldUntil
      to
      rules {
        rule
        outcome
        notAskedBecause
        inputs
        until
      }
      refusal {
        code
        message
        field
      }
    }
  }
`);

export type Explained = ResultOf<typeof ExplainSend>["explainSend"];
export type Finding = Explained["rules"][number];
