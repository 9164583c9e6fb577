import { Money } from "../../../components/Money";
import { Time } from "../../../components/Time";
import { t } from "../../../texts";
import { number } from "../../../texts/format";
import { choiceName } from "../criteria/words";
import styles from "./Seen.module.css";

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** What was seen of a customer for one criterion, as the API gives it for the criterion's kind. */
export function Seen({ seen }: { seen: unknown }) {
  if (Array.isArray(seen)) {
    if (seen.length === 0) return <Nothing />;
    return (
      <ul>
        {seen.filter(isObject).map((one) => (
          <li key={JSON.stringify(one)}>
            <Entry entry={one} />
          </li>
        ))}
      </ul>
    );
  }
  if (!isObject(seen)) return <Nothing />;
  if ("count" in seen) {
    return (
      <>
        {number(Number(seen.count))}
        {typeof seen.last === "string" ? (
          <span className={styles.more}>
            {t("lists.lastly")} <Time at={seen.last} />
          </span>
        ) : null}
      </>
    );
  }
  if ("memberSince" in seen) {
    return typeof seen.memberSince === "string" ? <Time at={seen.memberSince} /> : <Nothing />;
  }
  if (typeof seen.registered === "string") return <Time at={seen.registered} />;
  const values = Object.values(seen);
  const names = Object.keys(seen);
  return names.map((name, index) => (
    <span key={name} className={styles.value}>
      {names.length > 1 ? <span className={styles.name}>{name}: </span> : null}
      <Value value={values[index]} />
    </span>
  ));
}

function Entry({ entry }: { entry: Record<string, unknown> }) {
  if (typeof entry.amount === "string") {
    return <Money value={{ amount: entry.amount, currency: String(entry.currency ?? "") }} />;
  }
  return (
    <>
      <bdi>{String(entry.topic ?? "")}</bdi>: {choiceName("consent", String(entry.state ?? ""))}
      {typeof entry.at === "string" ? (
        <span className={styles.more}>
          <Time at={entry.at} />
        </span>
      ) : null}
    </>
  );
}

function Value({ value }: { value: unknown }) {
  if (value === null || value === undefined || value === "" || (Array.isArray(value) && value.length === 0)) {
    return <Nothing />;
  }
  if (typeof value === "boolean") return t(value ? "lists.yes" : "lists.no");
  if (typeof value === "number") return number(value);
  return <bdi>{Array.isArray(value) ? value.join(", ") : String(value)}</bdi>;
}

const Nothing = () => <span className={styles.nothing}>{t("lists.notKnown")}</span>;
