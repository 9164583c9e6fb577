import { useNavigate } from "@tanstack/react-router";
import { graphql, type ResultOf } from "../../../api/graphql";
import { uuidOf } from "../../../api/ids";
import { problemOf } from "../../../api/problem";
import { usePages } from "../../../api/usePages";
import { type Column, DataTable } from "../../../components/DataTable";
import { Empty } from "../../../components/Empty";
import { Select } from "../../../components/Field";
import { type Chip, FilterChips } from "../../../components/FilterChips";
import { Person } from "../../../components/Person";
import { ChannelName, MessageStatus } from "../../../components/Status";
import { Time } from "../../../components/Time";
import { t } from "../../../texts";
import { type CampaignUrl, OUTCOMES } from "../campaignUrl";
import { reasonText, variantName } from "../parts/names";
import styles from "./Recipients.module.css";

const RecipientsQuery = graphql(`
  query CampaignRecipients(
    $id: ID!
    $outcome: CampaignOutcome!
    $reason: String
    $channel: Channel
    $variant: String
    $after: String
    $before: String
    $first: Int
    $last: Int
  ) {
    campaign(campaignId: $id) {
      id
      recipients(
        outcome: $outcome
        reason: $reason
        channel: $channel
        variant: $variant
        after: $after
        before: $before
        first: $first
        last: $last
      ) {
        pageInfo {
          hasNextPage
          hasPreviousPage
          startCursor
          endCursor
        }
        nodes {
          id
          state
          channel
          variant
          createdAt
          customer {
            id
            name
            forgottenAt
          }
          reasons {
            reason
            code
          }
        }
      }
    }
  }
`);

const ExcludedQuery = graphql(`
  query CampaignExcluded($id: ID!, $after: String, $before: String, $first: Int, $last: Int) {
    campaign(campaignId: $id) {
      id
      excluded(after: $after, before: $before, first: $first, last: $last) {
        pageInfo {
          hasNextPage
          hasPreviousPage
          startCursor
          endCursor
        }
        nodes {
          customerId
          reason
          customer {
            id
            name
            forgottenAt
          }
        }
      }
    }
  }
`);

type Recipient = NonNullable<ResultOf<typeof RecipientsQuery>["campaign"]>["recipients"]["nodes"][number];
type Excluded = NonNullable<ResultOf<typeof ExcludedQuery>["campaign"]>["excluded"]["nodes"][number];

interface RecipientsProps {
  campaignId: string;
  url: CampaignUrl;
  setUrl: (changes: Partial<CampaignUrl>) => void;
}

const UNFILTERED = { reason: undefined, variant: undefined, channel: undefined };

function chipsOf({ reason, variant, channel }: CampaignUrl, setUrl: RecipientsProps["setUrl"]): Chip[] {
  const chips: Chip[] = [];
  if (reason) chips.push({ label: reasonText(reason), onRemove: () => setUrl({ reason: undefined }) });
  if (variant) chips.push({ label: variantName(variant), onRemove: () => setUrl({ variant: undefined }) });
  if (channel) chips.push({ label: t(`channel.${channel}`), onRemove: () => setUrl({ channel: undefined }) });
  return chips;
}

/** Everybody of the campaign by what became of them. */
export function Recipients({ campaignId, url, setUrl }: RecipientsProps) {
  const chips = chipsOf(url, setUrl);
  return (
    <div className={styles.page}>
      <div className={styles.bar}>
        <Select
          label={t("campaign.outcome")}
          isLabelHidden
          value={url.leftOut ? "leftOut" : url.outcome}
          options={[
            ...OUTCOMES.map((outcome) => ({ value: outcome, label: t(`campaign.outcomes.${outcome}`) })),
            { value: "leftOut" as const, label: t("campaign.outcomes.leftOut") },
          ]}
          onChange={(outcome) =>
            setUrl(
              outcome === "leftOut" ? { leftOut: true, ...UNFILTERED } : { leftOut: false, outcome, reason: undefined },
            )
          }
        />
        {url.leftOut || chips.length === 0 ? null : <FilterChips chips={chips} onClear={() => setUrl(UNFILTERED)} />}
      </div>
      <div className={styles.rows}>
        {url.leftOut ? <LeftOut campaignId={campaignId} /> : <Written campaignId={campaignId} url={url} />}
      </div>
    </div>
  );
}

const person = (customer: Recipient["customer"]) => (
  <Person name={customer?.name ?? null} isForgotten={!customer || customer.forgottenAt !== null} />
);

function Written({ campaignId, url }: { campaignId: string; url: CampaignUrl }) {
  const navigate = useNavigate();
  const pages = usePages(
    RecipientsQuery,
    {
      id: campaignId,
      outcome: url.outcome,
      reason: url.reason,
      channel: url.channel,
      variant: url.variant,
    },
    { connection: (data) => data.campaign?.recipients, size: 100 },
  );
  const columns: Column<Recipient>[] = [
    {
      id: "person",
      header: t("customers.column.name"),
      width: "minmax(150px, 2fr)",
      cell: (row) => person(row.customer),
    },
    {
      id: "state",
      header: t("campaigns.column.state"),
      width: "112px",
      cell: (row) => <MessageStatus state={row.state} />,
    },
    {
      id: "reason",
      header: t("campaign.why"),
      width: "minmax(120px, 1fr)",
      isWide: true,
      cell: (row) => {
        const last = row.reasons.at(-1);
        return reasonText(last?.reason ?? last?.code ?? "");
      },
    },
    {
      id: "variant",
      header: t("campaign.variant"),
      width: "120px",
      isWide: true,
      cell: (row) => (row.variant ? <bdi>{variantName(row.variant)}</bdi> : null),
    },
    {
      id: "channel",
      header: t("campaign.channel"),
      width: "112px",
      isWide: true,
      cell: (row) => <ChannelName channel={row.channel} />,
    },
    {
      id: "at",
      header: t("campaign.requested"),
      width: "128px",
      isWide: true,
      cell: (row) => <Time at={row.createdAt} />,
    },
  ];
  return (
    <DataTable
      label={t(`campaign.outcomes.${url.outcome}`)}
      columns={columns}
      rows={pages.rows}
      rowId={(row) => row.id}
      onOpen={(row) => navigate({ to: "/messages/$messageId", params: { messageId: uuidOf(row.id) } })}
      isLoading={pages.isLoading}
      isLoadingMore={pages.isLoadingMore}
      hasMore={pages.hasMore}
      onMore={pages.loadMore}
      problem={pages.error && problemOf(pages.error)}
      onRetry={pages.reload}
      empty={<Empty title={t("campaign.nobody")}>{t("campaign.nobodyHint")}</Empty>}
    />
  );
}

function LeftOut({ campaignId }: { campaignId: string }) {
  const navigate = useNavigate();
  const pages = usePages(
    ExcludedQuery,
    { id: campaignId },
    { connection: (data) => data.campaign?.excluded, size: 100 },
  );
  const columns: Column<Excluded>[] = [
    {
      id: "person",
      header: t("customers.column.name"),
      width: "minmax(150px, 2fr)",
      cell: (row) => person(row.customer),
    },
    { id: "reason", header: t("campaign.why"), width: "minmax(140px, 1fr)", cell: (row) => reasonText(row.reason) },
  ];
  return (
    <DataTable
      label={t("campaign.outcomes.leftOut")}
      columns={columns}
      rows={pages.rows}
      rowId={(row) => row.customerId}
      onOpen={(row) => navigate({ to: "/customers/$customerId", params: { customerId: uuidOf(row.customerId) } })}
      isLoading={pages.isLoading}
      isLoadingMore={pages.isLoadingMore}
      hasMore={pages.hasMore}
      onMore={pages.loadMore}
      problem={pages.error && problemOf(pages.error)}
      onRetry={pages.reload}
      empty={<Empty title={t("campaign.nobody")}>{t("campaign.nobodyLeftOut")}</Empty>}
    />
  );
}
