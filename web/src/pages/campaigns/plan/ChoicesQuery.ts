import { useQuery } from "urql";
import { graphql, type ResultOf } from "../../../api/graphql";

/** What a plan chooses from. */
const ChoicesQuery = graphql(`
  query PlanChoices {
    lists(first: 200) {
      nodes {
        id
        name
        kind
        memberCount
      }
    }
    templates(first: 200, kind: MESSAGE) {
      code
      title
      class
      version
      contents {
        channel
        locale
      }
    }
    policy {
      campaignApprovalFrom
      timeZone
    }
  }
`);

export type Choices = ResultOf<typeof ChoicesQuery>;
export type ListChoice = Choices["lists"]["nodes"][number];
export type TemplateChoice = Choices["templates"][number];

export function useChoices() {
  const [{ data, error }] = useQuery({ query: ChoicesQuery });
  return { choices: data, error };
}

/** The templates that have a published text for a channel. */
export const templatesFor = (
  templates: readonly TemplateChoice[],
  channel: TemplateChoice["contents"][number]["channel"],
) => templates.filter((one) => one.version !== null && one.contents.some((content) => content.channel === channel));
