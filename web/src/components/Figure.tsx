import { lazy, Suspense, useState } from "react";
import { t } from "../texts";
import { dateTime, number } from "../texts/format";
import { Button } from "./Button";
import styles from "./Figure.module.css";

export interface Series {
  name: string;
  /** One value for each moment. */
  values: readonly number[];
}

export interface FigureProps {
  title: string;
  kind: "line" | "bars";
  moments: readonly Date[];
  series: readonly Series[];
  /** How a moment is written; by default date and time. */
  momentText?: (moment: Date) => string;
  /** A click on the figure leads to the rows behind this moment. */
  onPick?: (index: number) => void;
  height?: number;
}

const Plot = lazy(() => import("./Plot"));

/** A figure over time, and the same numbers as a table. The drawing is loaded when the first one is shown. */
export function Figure(props: FigureProps) {
  const { title, height = 200, momentText = dateTime, onPick } = props;
  const [isTable, setIsTable] = useState(false);
  return (
    <figure className={styles.figure}>
      <figcaption className={styles.caption}>
        <h2>{title}</h2>
        <Button kind="quiet" onClick={() => setIsTable(!isTable)}>
          {t(isTable ? "figure.asFigure" : "figure.asTable")}
        </Button>
      </figcaption>
      {isTable ? (
        <section className={styles.scroll} style={{ height }} aria-label={title} tabIndex={0}>
          <table>
            <thead>
              <tr>
                <th scope="col">{t("figure.moment")}</th>
                {props.series.map((one) => (
                  <th key={one.name} scope="col">
                    {one.name}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {props.moments.map((moment, index) => (
                <tr key={moment.getTime()}>
                  <th scope="row">
                    {onPick ? (
                      <button type="button" className={styles.pick} onClick={() => onPick(index)}>
                        {momentText(moment)}
                      </button>
                    ) : (
                      momentText(moment)
                    )}
                  </th>
                  {props.series.map((one) => (
                    <td key={one.name}>{number(one.values[index] ?? 0)}</td>
                  ))}
                </tr>
              ))}
            </tbody>
          </table>
        </section>
      ) : (
        <div style={{ minHeight: height }} aria-hidden="true">
          <Suspense>
            <Plot {...props} height={height} momentText={momentText} />
          </Suspense>
        </div>
      )}
    </figure>
  );
}
