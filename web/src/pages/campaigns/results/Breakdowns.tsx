import { Link } from "@tanstack/react-router";
import { useMemo } from "react";
import { type AnyVariables, type TypedDocumentNode, useQuery } from "urql";
import { graphql, type ResultOf } from "../../../api/graphql";
import { uuidOf } from "../../../api/ids";
import { problemOf } from "../../../api/problem";
import { Failure } from "../../../components/Failure";
import { Figure } from "../../../components/Figure";
import { Skeleton } from "../../../components/Skeleton";
import { t } from "../../../texts";
import { dateTime, number, percent } from "../../../texts/format";
import { FiguresTable } from "../parts/FiguresTable";
import { byHour } from "./hours";

const FiguresFragment = graphql(`
  fragment BreakdownFigures on CampaignFigures @_unmask {
    sent
    arrived
    opened
    clicked
    bounced
    optedOut
    rates {
      delivery
      open
      click
      bounce
      optOut
    }
  }
`);

const HoursQuery = graphql(`
  query CampaignHours($id: ID!) {
    campaignMetrics(campaignId: $id) {
      byHour {
        hour
        sent
        delivered
        opensHuman
        clicksHuman
      }
    }
  }
`);

const LinksQuery = graphql(`
  query CampaignLinks($id: ID!) {
    campaignMetrics(campaignId: $id) {
      links(first: 200) {
        url
        clicked
        clicksHuman
        clicksMachine
      }
    }
  }
`);

const DomainsQuery = graphql(
  `
    query CampaignDomains($id: ID!) {
      campaignMetrics(campaignId: $id) {
        domains(first: 200) {
          domain
          figures {
            ...BreakdownFigures
          }
        }
      }
    }
  `,
  [FiguresFragment],
);

const ListsQuery = graphql(
  `
    query CampaignLists($id: ID!) {
      campaignMetrics(campaignId: $id) {
        lists {
          listId
          membersAsOf
          figures {
            ...BreakdownFigures
          }
        }
      }
      lists(first: 200) {
        nodes {
          id
          name
        }
      }
    }
  `,
  [FiguresFragment],
);

type Figures = ResultOf<typeof FiguresFragment>;

const rate = (value: number | null): string => (value === null ? "–" : percent(value));

const head = (name: string): string[] => [
  name,
  t("campaign.figure.sent"),
  t("campaign.figure.delivered"),
  t("campaign.figure.opened"),
  t("campaign.figure.clicked"),
  t("campaign.figure.bounced"),
  t("campaign.figure.optedOut"),
];

const cells = ({ sent, rates }: Figures): string[] => [
  number(sent),
  rate(rates.delivery),
  rate(rates.open),
  rate(rates.click),
  rate(rates.bounce),
  rate(rates.optOut),
];

/** Reads one breakdown: those by domain and list take seconds for a large campaign. */
function useBreakdown<Data>(query: TypedDocumentNode<Data, { id: string }>, id: string) {
  const [{ data, error }] = useQuery<Data, AnyVariables>({ query, variables: { id } });
  const waiting = error ? <Failure problem={problemOf(error)} /> : data ? null : <Skeleton lines={6} />;
  return { data, waiting };
}

export function ByHour({ campaignId }: { campaignId: string }) {
  const { data, waiting } = useBreakdown(HoursQuery, campaignId);
  const hours = useMemo(() => byHour(data?.campaignMetrics.byHour ?? []), [data]);
  const series = useMemo(
    () => [
      { name: t("campaign.figure.sent"), values: hours.map((one) => one.sent) },
      { name: t("campaign.figure.delivered"), values: hours.map((one) => one.delivered) },
      { name: t("campaign.figure.opensHuman"), values: hours.map((one) => one.opensHuman) },
      { name: t("campaign.figure.clicksHuman"), values: hours.map((one) => one.clicksHuman) },
    ],
    [hours],
  );
  const moments = useMemo(() => hours.map((one) => one.at), [hours]);
  if (waiting) return waiting;
  // A line needs two moments.
  if (moments.length < 2) {
    return (
      <FiguresTable
        label={t("campaign.bys.hour")}
        head={[t("figure.moment"), ...series.map((one) => one.name)]}
        rows={hours.map((one, index) => ({
          id: one.at.toISOString(),
          name: dateTime(one.at),
          cells: series.map(({ values }) => number(values[index] ?? 0)),
        }))}
        empty={t("campaign.nothingSent")}
      />
    );
  }
  return <Figure title={t("campaign.bys.hour")} kind="line" moments={moments} series={series} height={240} />;
}

export function ByLink({ campaignId }: { campaignId: string }) {
  const { data, waiting } = useBreakdown(LinksQuery, campaignId);
  if (!data) return waiting;
  return (
    <FiguresTable
      label={t("campaign.bys.link")}
      head={[
        t("campaign.link"),
        t("campaign.figure.clickedPeople"),
        t("campaign.figure.clicksHuman"),
        t("campaign.figure.clicksMachine"),
      ]}
      rows={data.campaignMetrics.links.map((link) => ({
        id: link.url ?? "",
        name: <bdi title={link.url ?? undefined}>{link.url ?? t("customers.forgotten")}</bdi>,
        cells: [link.clicked, link.clicksHuman, link.clicksMachine].map(number),
      }))}
      empty={t("campaign.noClicks")}
    />
  );
}

export function ByDomain({ campaignId }: { campaignId: string }) {
  const { data, waiting } = useBreakdown(DomainsQuery, campaignId);
  if (!data) return waiting;
  return (
    <FiguresTable
      label={t("campaign.bys.domain")}
      head={head(t("campaign.domain"))}
      rows={data.campaignMetrics.domains.map(({ domain, figures }) => ({
        id: domain ?? "",
        name: <bdi>{domain ?? t("campaign.noDomain")}</bdi>,
        cells: cells(figures),
      }))}
      empty={t("campaign.nothingSent")}
    />
  );
}

export function ByList({ campaignId }: { campaignId: string }) {
  const { data, waiting } = useBreakdown(ListsQuery, campaignId);
  if (!data) return waiting;
  const names = new Map(data.lists.nodes.map((list) => [list.id, list.name]));
  return (
    <FiguresTable
      label={t("campaign.bys.list")}
      head={head(t("campaign.list"))}
      rows={data.campaignMetrics.lists.map(({ listId, figures }) => ({
        id: listId,
        name: (
          <Link to="/lists/$listId" params={{ listId: uuidOf(listId) }}>
            <bdi>{names.get(listId) ?? uuidOf(listId).slice(-8)}</bdi>
          </Link>
        ),
        cells: cells(figures),
      }))}
      empty={t("campaign.noLists")}
    />
  );
}
