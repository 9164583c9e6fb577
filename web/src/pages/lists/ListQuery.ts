import { graphql, type ResultOf } from "../../api/graphql";

export const ListQuery = graphql(`
  query List($id: ID!) {
    list(id: $id) {
      id
      name
      kind
      memberCount
      isEvaluating
      evaluatedAt
      createdAt
      changedAt
      changedBy {
        id
        name
      }
      criteria
      ruleVersion
      uses {
        id
        name
      }
      usedBy {
        id
        name
      }
    }
  }
`);

export type ShownList = NonNullable<ResultOf<typeof ListQuery>["list"]>;

/** Each change of the members, as soon as it is known. */
export const ListChangesSubscription = graphql(`
  subscription ListChanges($listId: ID!) {
    listChanges(listId: $listId) {
      customerId
      entered
    }
  }
`);
