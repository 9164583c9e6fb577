import { useState } from "react";

interface Row<Value> {
  /** Tells rows apart while they are edited: they have no identity of their own. */
  key: number;
  value: Value;
}

/** The rows of a list that is edited as a whole. */
export function useRows<Value extends object>(initial: readonly Value[]) {
  const [all, setAll] = useState<Row<Value>[]>(() => initial.map((value, key) => ({ key, value })));
  const [next, setNext] = useState(initial.length);
  return {
    all,
    values: all.map(({ value }) => value),
    add(value: Value) {
      setAll([...all, { key: next, value }]);
      setNext(next + 1);
    },
    change(key: number, changes: Partial<Value>) {
      setAll(all.map((row) => (row.key === key ? { key, value: { ...row.value, ...changes } } : row)));
    },
    remove(key: number) {
      setAll(all.filter((row) => row.key !== key));
    },
  };
}
