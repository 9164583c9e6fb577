import { type FragmentOf, graphql } from "../../api/graphql";

export const VerificationFragment = graphql(`
  fragment Verification on Verification @_unmask {
    id
    state
    author {
      kind
      id
      actor
      name
    }
    startedAt
    endedAt
    events
    total
    streams
    matchesKept
    checkpoint {
      position
    }
    problem {
      code
      message
      position
      eventId
      eventType
    }
  }
`);

export type Verification = FragmentOf<typeof VerificationFragment>;

export const VerificationsQuery = graphql(
  `
    query Verifications {
      verifications {
        ...Verification
      }
      checkpoints {
        position
        events
        recordedAt
        root
        text
      }
    }
  `,
  [VerificationFragment],
);

export const VerificationProgress = graphql(
  `
    subscription VerificationProgress($id: ID!) {
      verificationProgress(id: $id) {
        ...Verification
      }
    }
  `,
  [VerificationFragment],
);

export const VerifyLog = graphql(
  `
    mutation VerifyLog($idempotencyKey: String) {
      verifyLog(idempotencyKey: $idempotencyKey) {
        refusal {
          code
          message
          field
        }
        verification {
          ...Verification
        }
      }
    }
  `,
  [VerificationFragment],
);
