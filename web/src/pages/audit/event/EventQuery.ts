import { type FragmentOf, graphql } from "../../../api/graphql";

export const EventFragment = graphql(`
  fragment Event on Event @_unmask {
    id
    type
    stream
    version
    position
    epoch
    schemaVersion
    occurredAt
    recordedAt
    actor
    author {
      name
    }
    commandId
    causationId
    correlationId
    subjectId
    personalPart
    data
    hash
  }
`);

export type LogEvent = FragmentOf<typeof EventFragment>;

export const EventQuery = graphql(
  `
    query Event($id: ID!) {
      node(id: $id) {
        __typename
        ...Event
      }
    }
  `,
  [EventFragment],
);

/** That it was read is recorded: it is asked for only by somebody who wants to see it. */
export const PersonalQuery = graphql(`
  query EventPersonalPart($id: ID!) {
    node(id: $id) {
      __typename
      ... on Event {
        id
        personal
        personalPart
      }
    }
  }
`);

export const ChainQuery = graphql(`
  query EventChain($stream: StreamInput!, $position: String!) {
    before: events(filter: { stream: $stream }, before: $position, last: 3) {
      nodes {
        id
        type
        version
        hash
      }
    }
    after: events(filter: { stream: $stream }, after: $position, first: 3) {
      nodes {
        id
        type
        version
        hash
      }
    }
  }
`);
