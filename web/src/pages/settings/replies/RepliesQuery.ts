import { type FragmentOf, graphql } from "../../../api/graphql";

export const ReplyFragment = graphql(`
  fragment Reply on CannedReply @_unmask {
    code
    title
    defaultLocale
    revision
    changedAt
    changedBy {
      actor
      name
    }
    bodies {
      locale
      body
    }
  }
`);

export type Reply = FragmentOf<typeof ReplyFragment>;

export const RepliesQuery = graphql(
  `
    query CannedReplies($search: String, $first: Int!) {
      cannedReplies(search: $search, first: $first) {
        ...Reply
      }
    }
  `,
  [ReplyFragment],
);
