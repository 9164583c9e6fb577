import { useEffect } from "react";
import { graphql } from "../../../api/graphql";
import { useAction } from "../../../api/useAction";
import { toast } from "../../../components/Toast";
import { t } from "../../../texts";
import { LiveFragment } from "../CampaignQuery";

const Resume = graphql(
  `
    mutation ResumeCampaign($id: ID!, $idempotencyKey: String) {
      resumeCampaign(campaignId: $id, idempotencyKey: $idempotencyKey) {
        campaign {
          ...CampaignLive
        }
        refusal {
          code
          message
          field
        }
      }
    }
  `,
  [LiveFragment],
);

const Unschedule = graphql(
  `
    mutation UnscheduleCampaign($id: ID!, $idempotencyKey: String) {
      unscheduleCampaign(campaignId: $id, idempotencyKey: $idempotencyKey) {
        campaign {
          ...CampaignLive
        }
        refusal {
          code
          message
          field
        }
      }
    }
  `,
  [LiveFragment],
);

const Approve = graphql(
  `
    mutation ApproveCampaign($id: ID!, $idempotencyKey: String) {
      approveCampaign(campaignId: $id, idempotencyKey: $idempotencyKey) {
        campaign {
          ...CampaignLive
        }
        refusal {
          code
          message
          field
        }
      }
    }
  `,
  [LiveFragment],
);

/** The steps that need no words. What is refused is said at the screen's edge: the menu that began it is closed. */
export function useStep(id: string) {
  const resume = useAction(Resume);
  const unschedule = useAction(Unschedule);
  const approve = useAction(Approve);
  const trouble = [resume, unschedule, approve].map((one) => one.refusal?.message ?? one.problem?.message);
  const message = trouble.find((one) => one !== undefined);
  useEffect(() => {
    if (message) toast(message, { isProblem: true });
  }, [message]);

  const take = (run: (variables: { id: string }) => Promise<unknown>, done: string) => async () => {
    if (await run({ id })) toast(done);
  };
  return {
    running: resume.running || unschedule.running || approve.running,
    resume: take(resume.run, t("campaign.resumed")),
    unschedule: take(unschedule.run, t("campaign.unscheduled")),
    approve: take(approve.run, t("campaign.approved")),
  };
}
