import { Link } from "@tanstack/react-router";
import { useCallback, useState } from "react";
import { useQuery, useSubscription } from "urql";
import { problemOf } from "../../api/problem";
import { LinkButton } from "../../components/Button";
import { Empty } from "../../components/Empty";
import { Failure } from "../../components/Failure";
import { PageHeader } from "../../components/PageHeader";
import { Tabs } from "../../components/Tabs";
import { PageSkeleton } from "../../shell/PageSkeleton";
import { t } from "../../texts";
import { useUrlState } from "../../url/useUrlState";
import styles from "./ListPage.module.css";
import { ListChangesSubscription, ListQuery, type ShownList } from "./ListQuery";
import { Changes } from "./list/Changes";
import { Explain } from "./list/Explain";
import { Growth } from "./list/Growth";
import { ListActions } from "./list/ListActions";
import { ListFacts } from "./list/ListFacts";
import { Members } from "./list/Members";
import { SavedCriteria } from "./list/SavedCriteria";
import { type ListTab, listUrl } from "./listsUrl";
import { listRoute } from "./routes";

export function ListPage() {
  const { listId } = listRoute.useParams();
  return <One key={listId} id={listId} />;
}

function One({ id }: { id: string }) {
  const [{ data, error }, read] = useQuery({ query: ListQuery, variables: { id } });
  const again = useCallback(() => read({ requestPolicy: "network-only" }), [read]);
  const above = <Link to="/lists">{t("nav.lists")}</Link>;
  if (!data && !error) return <PageSkeleton />;
  const list = data?.list;
  if (list) return <Shown list={list} onChanged={again} />;
  return (
    <>
      <PageHeader title={t("lists.unknown")} above={above} />
      {error ? (
        <div className={styles.failure}>
          <Failure problem={problemOf(error)} onRetry={again} />
        </div>
      ) : (
        <Empty title={t("lists.unknown")} action={<LinkButton to="/lists">{t("nav.lists")}</LinkButton>}>
          {t("lists.unknownHint")}
        </Empty>
      )}
    </>
  );
}

function Shown({ list, onChanged }: { list: ShownList; onChanged: () => void }) {
  const [url, setUrl] = useUrlState(listUrl);
  // Tabs read their rows again when something has changed.
  const [changes, setChanges] = useState(0);
  const changed = useCallback(() => {
    onChanged();
    setChanges((count) => count + 1);
  }, [onChanged]);
  useSubscription({ query: ListChangesSubscription, variables: { listId: list.id } }, (_, change) => {
    if (change.listChanges.length > 0) changed();
    return change;
  });

  const contents: Record<ListTab, () => React.ReactNode> = {
    members: () => <Members list={list} changes={changes} onChanged={changed} />,
    criteria: () => <SavedCriteria list={list} onSaved={changed} />,
    changes: () => <Changes list={list} changes={changes} />,
    growth: () => <Growth list={list} changes={changes} />,
    explain: () => <Explain list={list} changes={changes} />,
  };
  const tabs = (Object.keys(contents) as ListTab[]).filter((tab) => tab !== "criteria" || list.kind === "SMART");
  return (
    <div className={styles.page}>
      <PageHeader
        title={list.name}
        above={<Link to="/lists">{t("nav.lists")}</Link>}
        actions={<ListActions list={list} onChanged={changed} />}
      />
      <ListFacts list={list} />
      <Tabs
        label={t("lists.parts")}
        value={tabs.includes(url.tab) ? url.tab : "members"}
        onChange={(tab) => setUrl({ tab }, { push: true })}
        tabs={tabs.map((tab) => ({ value: tab, label: t(`lists.tab.${tab}`), content: contents[tab] }))}
      />
    </div>
  );
}
