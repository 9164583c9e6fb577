import { Link } from "@tanstack/react-router";
import { Badge } from "../../../components/Status";
import { Time } from "../../../components/Time";
import { t } from "../../../texts";
import { StateBadge } from "../columns";
import { type Draft, includedBy, type SavedTemplate, wordsOf } from "../draft/draft";
import styles from "./TemplateFacts.module.css";

/** What a template is, in one line: state, class, who changed it, and the partials that it includes. */
export function TemplateFacts({ saved, draft, isChanged }: { saved: SavedTemplate; draft: Draft; isChanged: boolean }) {
  const partials = includedBy(draft.contents.map(wordsOf).join(" "));
  return (
    <div className={styles.facts}>
      <code>{saved.code}</code>
      <StateBadge row={saved} />
      {isChanged ? <Badge tone="accent">{t("templates.unsaved")}</Badge> : null}
      <span>
        {t(draft.kind === "PARTIAL" ? "templates.kindOne.PARTIAL" : `templates.classes.${draft.class ?? "MARKETING"}`)}
      </span>
      <span>
        {t("templates.changed")} <Time at={saved.changedAt} /> · <bdi>{saved.changedBy.name ?? saved.changedBy.id}</bdi>
      </span>
      {partials.length > 0 ? (
        <span>
          {t("templates.includes")}{" "}
          {partials.map((code, index) => (
            <span key={code}>
              {index > 0 ? ", " : null}
              <Link to="/templates/$code" params={{ code }}>
                {code}
              </Link>
            </span>
          ))}
        </span>
      ) : null}
    </div>
  );
}
