import { History } from "lucide-react";
import { useEffect, useRef, useState } from "react";
import { useQuery } from "urql";
import { graphql } from "../../../api/graphql";
import { Button } from "../../../components/Button";
import { Input } from "../../../components/Field";
import { t } from "../../../texts";
import { dateTime } from "../../../texts/format";
import { localMoment } from "../../../url/moment";
import styles from "./AsOfBar.module.css";

const RangeQuery = graphql(`
  query AsOfRange($id: ID!) {
    customer(id: $id) {
      id
      registeredAt
    }
  }
`);

/** How many moments the slider tells apart. */
const STEPS = 1_000;
/** How long the slider may rest before the page follows. */
const PAUSE_MS = 120;

interface AsOfBarProps {
  customerId: string;
  asOf: string;
  onChange: (asOf: string | undefined) => void;
}

/** A slider through the time since the customer became known. */
export function AsOfBar({ customerId, asOf, onChange }: AsOfBarProps) {
  const [{ data }] = useQuery({ query: RangeQuery, variables: { id: customerId }, requestPolicy: "cache-first" });
  const [end] = useState(() => Date.now());
  const [moved, setMoved] = useState<number>();
  const latest = useRef(onChange);
  useEffect(() => {
    latest.current = onChange;
  });
  useEffect(() => {
    if (moved === undefined) return;
    const timer = window.setTimeout(() => {
      latest.current(new Date(moved).toISOString());
      setMoved(undefined);
    }, PAUSE_MS);
    return () => window.clearTimeout(timer);
  }, [moved]);

  const shown = moved ?? Date.parse(asOf);
  const registered = data?.customer ? Date.parse(data.customer.registeredAt) : shown;
  const begin = Math.min(registered, shown);
  const written = dateTime(new Date(shown));
  return (
    <section className={styles.bar} aria-label={t("customer.asOf.title")}>
      <p className={styles.mark} role="status">
        <History aria-hidden="true" />
        {t("customer.asOf.mark", { time: dateTime(asOf) })}
      </p>
      <input
        type="range"
        className={styles.slider}
        aria-label={t("customer.asOf.moment")}
        aria-valuetext={written}
        min={begin}
        max={end}
        step={Math.max(1, Math.round((end - begin) / STEPS))}
        value={shown}
        onChange={(event) => setMoved(event.target.valueAsNumber)}
      />
      <div className={styles.fields}>
        <Input
          label={t("customer.asOf.moment")}
          isLabelHidden
          type="datetime-local"
          step={1}
          value={localMoment(new Date(shown))}
          onChange={(event) => {
            const at = new Date(event.target.value);
            if (!Number.isNaN(at.getTime())) onChange(at.toISOString());
          }}
        />
        <Button kind="primary" onClick={() => onChange(undefined)}>
          {t("customer.asOf.back")}
        </Button>
      </div>
    </section>
  );
}
