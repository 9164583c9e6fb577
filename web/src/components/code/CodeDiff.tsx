import { MergeView } from "@codemirror/merge";
import { EditorState } from "@codemirror/state";
import { EditorView } from "@codemirror/view";
import { useEffect, useRef } from "react";
import styles from "./CodeDiff.module.css";
import { type CodeLanguage, setup, shadowOf } from "./setup";

interface CodeDiffProps {
  labels: readonly [old: string, changed: string];
  language: CodeLanguage;
  texts: readonly [old: string, changed: string];
}

/** Two texts side by side: what differs is marked, long parts that are alike are folded. */
export function CodeDiff({ labels, language, texts }: CodeDiffProps) {
  const host = useRef<HTMLDivElement>(null);
  const [oldLabel, newLabel] = labels;
  const [oldText, newText] = texts;
  useEffect(() => {
    if (!host.current) return;
    const root = shadowOf(host.current);
    const side = (doc: string, label: string) => ({
      doc,
      extensions: [
        setup(language),
        EditorState.readOnly.of(true),
        EditorView.editable.of(false),
        EditorView.contentAttributes.of({ "aria-label": label, tabindex: "0" }),
      ],
    });
    const view = new MergeView({
      root,
      parent: root,
      a: side(oldText, oldLabel),
      b: side(newText, newLabel),
      collapseUnchanged: { margin: 3, minSize: 6 },
      gutter: true,
    });
    return () => view.destroy();
  }, [oldLabel, newLabel, oldText, newText, language]);
  return <div ref={host} className={styles.diff} />;
}
