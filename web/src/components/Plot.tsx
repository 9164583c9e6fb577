import { useEffect, useRef } from "react";
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import { useColours } from "../shell/theme";
import { t } from "../texts";
import { day, number, time } from "../texts/format";
import type { FigureProps } from "./Figure";
import styles from "./Plot.module.css";

/** Of the legend, which stands below the drawing. */
const LEGEND = 28;

const COLOURS = ["--accent", "--good", "--warn", "--bad", "--ink-3"];
const colourOf = (series: number): string => COLOURS[series % COLOURS.length] ?? "--accent";

/** The drawing of a figure, in the colours of the theme. */
export default function Plot({ kind, moments, series, height = 200, momentText = day, onPick }: FigureProps) {
  const place = useRef<HTMLDivElement>(null);
  const colours = useColours();
  const pick = useRef(onPick);
  useEffect(() => {
    pick.current = onPick;
  });

  // biome-ignore lint/correctness/useExhaustiveDependencies: other colours make another drawing
  useEffect(() => {
    const element = place.current;
    if (!element) return;
    const seconds = moments.map((moment) => moment.getTime() / 1_000);
    const step = (seconds[1] ?? 0) - (seconds[0] ?? 0) || 86_400;
    const tickText = (seconds.at(-1) ?? 0) - (seconds[0] ?? 0) < 3 * 86_400 ? time : day;
    const drawn = series.length > 1 ? height - LEGEND : height;
    const colour = (name: string) => resolved(element, name);
    const axis = {
      stroke: colour("--ink-3"),
      grid: { stroke: colour("--line"), width: 1 },
      ticks: { show: false },
      font: "12px system-ui",
    };
    const plot = new uPlot(
      {
        width: element.clientWidth,
        height: drawn,
        legend: { show: series.length > 1, markers: { fill: (_, index) => colour(colourOf(index - 1)) } },
        cursor: { drag: { x: false, y: false }, points: { size: 6 } },
        scales: {
          // Half a step at either side: the first and last bar are as wide as the others.
          x: { range: (_, min, max) => (kind === "bars" ? [min - step / 2, max + step / 2] : [min, max]) },
          y: { range: (_, __, max) => [0, Math.max(1, max * 1.1)] },
        },
        axes: [
          { ...axis, values: (_, ticks) => ticks.map((tick) => tickText(new Date(tick * 1_000))), space: 72, size: 28 },
          { ...axis, values: (_, ticks) => ticks.map(number), size: 56 },
        ],
        series: [
          { label: t("figure.moment"), value: (_, at) => (at === null ? "" : momentText(new Date(at * 1_000))) },
          ...series.map((one, index) => ({
            label: one.name,
            stroke: colour(colourOf(index)),
            fill: kind === "bars" ? colour(colourOf(index)) : undefined,
            width: 1.5,
            paths: kind === "bars" ? uPlot.paths.bars?.({ size: [0.7, 40] }) : undefined,
            points: { show: false },
            value: (_: uPlot, value: number | null) => (value === null ? "" : number(value)),
          })),
        ],
      },
      [seconds, ...series.map((one) => [...one.values])],
      element,
    );
    plot.over.addEventListener("click", () => {
      const index = plot.cursor.idx;
      if (typeof index === "number") pick.current?.(index);
    });
    const resize = new ResizeObserver(() => plot.setSize({ width: element.clientWidth, height: drawn }));
    resize.observe(element);
    return () => {
      resize.disconnect();
      plot.destroy();
    };
  }, [kind, moments, series, height, momentText, colours]);

  return <div ref={place} className={styles.plot} />;
}

/** A custom property's colour as the canvas takes it: `light-dark()` is resolved by a property that the browser computes. */
function resolved(element: HTMLElement, name: string): string {
  element.style.color = `var(${name})`;
  const colour = getComputedStyle(element).color;
  element.style.color = "";
  return colour;
}
