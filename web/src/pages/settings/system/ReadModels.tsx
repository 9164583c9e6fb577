import { useSubscription } from "urql";
import { graphql } from "../../../api/graphql";
import { Badge } from "../../../components/Status";
import { t } from "../../../texts";
import { number } from "../../../texts/format";
import styles from "./SystemPage.module.css";
import type { ReadModel } from "./SystemQuery";

const Lag = graphql(`
  subscription ReadModelLag {
    projectionLag {
      name
      question
      lagEvents
      lagSeconds
      parked
    }
  }
`);

/** How far each read table follows the log, live. */
export function ReadModels({ models }: { models: readonly ReadModel[] }) {
  const [{ data }] = useSubscription({ query: Lag });
  return (
    <ul className={styles.models}>
      {(data?.projectionLag ?? models).map((model) => (
        <li key={model.name}>
          <div>
            <code>{model.name}</code>
            <p>{model.question}</p>
          </div>
          <State model={model} />
        </li>
      ))}
    </ul>
  );
}

function State({ model }: { model: ReadModel }) {
  if (model.parked > 0) return <Badge tone="bad">{t("system.parkedCount", { count: model.parked })}</Badge>;
  if (model.lagEvents === 0) return <Badge tone="good">{t("system.current")}</Badge>;
  const seconds = number(Math.ceil(model.lagSeconds));
  return <Badge tone="warn">{t("system.behind", { events: number(model.lagEvents), seconds })}</Badge>;
}
