import { Link } from "@tanstack/react-router";
import { uuidOf } from "../../../api/ids";
import { Badge } from "../../../components/Status";
import { Time } from "../../../components/Time";
import { t } from "../../../texts";
import { KindBadge } from "../columns";
import type { ShownList } from "../ListQuery";
import styles from "./ListFacts.module.css";

/** What a list is, in one line: kind, size, who changed it, and which lists hang together with it. */
export function ListFacts({ list }: { list: ShownList }) {
  const { changedBy } = list;
  return (
    <div className={styles.facts}>
      <KindBadge kind={list.kind} />
      <span className={styles.count} role="status">
        {t("lists.members", { count: list.memberCount })}
      </span>
      {list.isEvaluating ? <Badge tone="warn">{t("lists.evaluatingNow")}</Badge> : null}
      <span>
        {t("lists.changed")} <Time at={list.changedAt} /> · <bdi>{changedBy.name ?? changedBy.id}</bdi>
      </span>
      {list.kind === "SMART" ? (
        <span>
          {t("lists.ruleVersion", { version: list.ruleVersion })}
          {list.evaluatedAt ? (
            <>
              {" · "}
              {t("lists.evaluated")} <Time at={list.evaluatedAt} />
            </>
          ) : null}
        </span>
      ) : null}
      <Others words={t("lists.uses")} lists={list.uses} />
      <Others words={t("lists.usedBy")} lists={list.usedBy} />
    </div>
  );
}

function Others({ words, lists }: { words: string; lists: ShownList["uses"] }) {
  if (lists.length === 0) return null;
  return (
    <span>
      {words}{" "}
      {lists.map((one, index) => (
        <span key={one.id}>
          {index > 0 ? ", " : null}
          <Link to="/lists/$listId" params={{ listId: uuidOf(one.id) }}>
            <bdi>{one.name}</bdi>
          </Link>
        </span>
      ))}
    </span>
  );
}
