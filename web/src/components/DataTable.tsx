import { useVirtualizer } from "@tanstack/react-virtual";
import { type CSSProperties, type KeyboardEvent, type ReactNode, useEffect, useId, useRef, useState } from "react";
import type { Problem } from "../api/problem";
import styles from "./DataTable.module.css";
import { Failure } from "./Failure";
import { Skeleton } from "./Skeleton";

export interface Column<Row> {
  id: string;
  header: string;
  /** A CSS width of a grid track, such as `120px` or `minmax(160px, 2fr)`. */
  width: string;
  cell: (row: Row) => ReactNode;
  isFigure?: boolean;
  /** Left out on narrow screens. */
  isWide?: boolean;
}

interface DataTableProps<Row> {
  /** What the rows are, for screen readers. */
  label: string;
  columns: readonly Column<Row>[];
  rows: readonly Row[];
  rowId: (row: Row) => string;
  /** Enter or a click on a row. */
  onOpen?: (row: Row) => void;
  selectedId?: string;
  /** Of all rows, if known. */
  total?: number;
  isLoading?: boolean;
  isLoadingMore?: boolean;
  hasMore?: boolean;
  onMore?: () => void;
  problem?: Problem;
  onRetry?: () => void;
  /** Shown without rows. */
  empty: ReactNode;
  rowHeight?: number;
  /** Makes rows selectable, several at a time: by their checkbox, or Space on the active row. */
  selection?: Selection<Row>;
}

export interface Selection<Row> {
  ids: ReadonlySet<string>;
  onChange: (ids: ReadonlySet<string>) => void;
  /** Names a row's checkbox for screen readers. */
  labelOf: (row: Row) => string;
  labelOfAll: string;
}

const SKELETONS = 12;

/** A long list as a table: only the rows in sight are drawn, and further ones are read before the end is reached. */
export function DataTable<Row>(props: DataTableProps<Row>) {
  const { rows, rowId, rowHeight = 40, hasMore = false, isLoadingMore = false, onMore, selection } = props;
  const columns = selection ? [selectColumn(selection, rowId), ...props.columns] : props.columns;
  const scroller = useRef<HTMLDivElement>(null);
  const id = useId();
  const [active, setActive] = useState(-1);
  const virtual = useVirtualizer({
    count: rows.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => rowHeight,
    overscan: 12,
    paddingStart: HEAD,
    scrollPaddingStart: HEAD,
  });
  const items = virtual.getVirtualItems();
  const lastShown = items.at(-1)?.index ?? 0;
  useEffect(() => {
    if (hasMore && !isLoadingMore && lastShown >= rows.length - 20) onMore?.();
  }, [hasMore, isLoadingMore, lastShown, rows.length, onMore]);

  const onKeyDown = (event: KeyboardEvent) => {
    // Keys of buttons and links inside a row are theirs.
    if (event.target !== event.currentTarget) return;
    const next = nextRow(
      event.key,
      active,
      rows.length,
      Math.floor((scroller.current?.clientHeight ?? 0) / rowHeight) - 1,
    );
    const row = rows[active];
    if (next !== undefined) {
      event.preventDefault();
      setActive(next);
      virtual.scrollToIndex(next);
    } else if (event.key === "Enter" && row) {
      props.onOpen?.(row);
    } else if (event.key === " " && row && selection) {
      event.preventDefault();
      selection.onChange(toggled(selection.ids, rowId(row)));
    }
  };

  const tracks = {
    "--tracks": columns.map((column) => column.width).join(" "),
    "--tracks-narrow": columns
      .filter((column) => !column.isWide)
      .map((column) => column.width)
      .join(" "),
    "--row-height": `${rowHeight}px`,
  } as CSSProperties;

  const isBare = rows.length === 0 && !props.isLoading;
  return (
    <div className={styles.frame}>
      <div
        ref={scroller}
        className={`${styles.table} ${isBare ? styles.bare : ""}`}
        style={tracks}
        role="grid"
        aria-label={props.label}
        aria-rowcount={(props.total ?? rows.length) + 1}
        aria-busy={props.isLoading}
        aria-activedescendant={rows[active] ? `${id}-${active}` : undefined}
        tabIndex={0}
        onKeyDown={onKeyDown}
      >
        <div role="row" aria-rowindex={1} className={styles.head}>
          {columns.map((column) => (
            <div key={column.id} role="columnheader" className={cellClass(column)}>
              {column.id === SELECT && selection ? (
                <SelectAll selection={selection} rows={rows} rowId={rowId} />
              ) : (
                column.header
              )}
            </div>
          ))}
        </div>
        {props.isLoading && rows.length === 0 ? <SkeletonRows columns={columns} /> : null}
        <div role="presentation" className={styles.rows} style={{ height: virtual.getTotalSize() - HEAD }}>
          {items.map((item) => {
            const row = rows[item.index];
            if (row === undefined) return null;
            const isSelected = selection?.ids.has(rowId(row)) ?? rowId(row) === props.selectedId;
            return (
              <div
                key={rowId(row)}
                id={`${id}-${item.index}`}
                role="row"
                aria-rowindex={item.index + 2}
                aria-selected={isSelected}
                className={`${styles.row} ${item.index === active ? styles.active : ""} ${props.onOpen ? styles.opens : ""}`}
                style={{ transform: `translateY(${item.start - HEAD}px)` }}
                onClick={(event) => {
                  // A link or button inside does what it says.
                  if (event.target instanceof Element && event.target.closest("a, button, input, label")) return;
                  setActive(item.index);
                  props.onOpen?.(row);
                }}
              >
                {columns.map((column) => (
                  <div key={column.id} role="gridcell" className={cellClass(column)}>
                    {column.cell(row)}
                  </div>
                ))}
              </div>
            );
          })}
        </div>
        {isLoadingMore ? <SkeletonRows columns={columns} count={2} /> : null}
      </div>
      {props.problem ? (
        <div className={styles.note}>
          <Failure problem={props.problem} onRetry={props.onRetry} />
        </div>
      ) : null}
      {isBare && !props.problem ? props.empty : null}
    </div>
  );
}

const SELECT = "select";

function selectColumn<Row>(selection: Selection<Row>, rowId: (row: Row) => string): Column<Row> {
  return {
    id: SELECT,
    header: "",
    width: "40px",
    cell: (row) => (
      <label className={styles.select}>
        <input
          type="checkbox"
          tabIndex={-1}
          aria-label={selection.labelOf(row)}
          checked={selection.ids.has(rowId(row))}
          onChange={() => selection.onChange(toggled(selection.ids, rowId(row)))}
        />
      </label>
    ),
  };
}

interface SelectAllProps<Row> {
  selection: Selection<Row>;
  rows: readonly Row[];
  rowId: (row: Row) => string;
}

function SelectAll<Row>({ selection, rows, rowId }: SelectAllProps<Row>) {
  const areAll = rows.length > 0 && rows.every((row) => selection.ids.has(rowId(row)));
  return (
    <label className={styles.select}>
      <input
        type="checkbox"
        aria-label={selection.labelOfAll}
        checked={areAll}
        ref={(field) => {
          if (field) field.indeterminate = !areAll && selection.ids.size > 0;
        }}
        onChange={() => selection.onChange(new Set(areAll ? [] : rows.map(rowId)))}
      />
    </label>
  );
}

function toggled(ids: ReadonlySet<string>, id: string): ReadonlySet<string> {
  const next = new Set(ids);
  if (!next.delete(id)) next.add(id);
  return next;
}

/** The height of the heading row. */
const HEAD = 32;

function cellClass(column: Column<never>): string {
  return [styles.cell, column.isFigure ? styles.figure : "", column.isWide ? styles.wide : ""].join(" ");
}

/** The row that a key leads to, if any. */
export function nextRow(key: string, active: number, count: number, page: number): number | undefined {
  if (count === 0) return undefined;
  const target = {
    ArrowDown: active + 1,
    j: active + 1,
    ArrowUp: active - 1,
    k: active - 1,
    PageDown: active + page,
    PageUp: active - page,
    Home: 0,
    End: count - 1,
  }[key];
  return target === undefined ? undefined : Math.max(0, Math.min(count - 1, target));
}

function SkeletonRows<Row>({ columns, count = SKELETONS }: { columns: readonly Column<Row>[]; count?: number }) {
  return (
    <div aria-hidden="true">
      {Array.from({ length: count }, (_, index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: rows are all alike
        <div key={index} className={styles.waiting}>
          {columns.map((column) => (
            <div key={column.id} className={cellClass(column)}>
              <Skeleton width="70%" />
            </div>
          ))}
        </div>
      ))}
    </div>
  );
}
