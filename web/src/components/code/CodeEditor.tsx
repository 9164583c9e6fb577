import { type Diagnostic, setDiagnostics } from "@codemirror/lint";
import { EditorState } from "@codemirror/state";
import { EditorView } from "@codemirror/view";
import { useEffect, useRef } from "react";
import styles from "./CodeEditor.module.css";
import { type CodeLanguage, setup, shadowOf } from "./setup";

/** A place in a text: line and column from 1. */
export interface Place {
  line: number;
  column: number;
}

export interface Mark extends Place {
  message: string;
  isError: boolean;
}

interface CodeEditorProps {
  label: string;
  language: CodeLanguage;
  value: string;
  onChange: (value: string) => void;
  isReadOnly?: boolean;
  /** What is wrong, where it stands. */
  marks?: readonly Mark[];
  /** A new object leads there. */
  goTo?: Place;
}

/** A text with line numbers, colours and marks. */
export function CodeEditor({ label, language, value, onChange, isReadOnly = false, marks, goTo }: CodeEditorProps) {
  const host = useRef<HTMLDivElement>(null);
  const view = useRef<EditorView>(undefined);
  const latest = useRef({ value, onChange });
  useEffect(() => {
    latest.current = { value, onChange };
  });

  useEffect(() => {
    if (!host.current) return;
    const root = shadowOf(host.current);
    const editor = new EditorView({
      root,
      parent: root,
      state: EditorState.create({
        doc: latest.current.value,
        extensions: [
          setup(language),
          EditorState.readOnly.of(isReadOnly),
          EditorView.contentAttributes.of({ "aria-label": label, tabindex: "0" }),
          EditorView.updateListener.of((update) => {
            if (update.docChanged) latest.current.onChange(update.state.doc.toString());
          }),
        ],
      }),
    });
    view.current = editor;
    return () => editor.destroy();
  }, [label, language, isReadOnly]);

  // What came from elsewhere, such as a version that is taken back, replaces the text; what one types is there already.
  useEffect(() => {
    const editor = view.current;
    if (!editor || editor.state.doc.toString() === value) return;
    editor.dispatch({ changes: { from: 0, to: editor.state.doc.length, insert: value } });
  }, [value]);

  useEffect(() => {
    const editor = view.current;
    if (!editor) return;
    const found = (marks ?? []).map((mark): Diagnostic => {
      const from = offsetOf(editor.state, mark);
      const line = editor.state.doc.lineAt(from);
      return { from, to: Math.max(from, line.to), severity: mark.isError ? "error" : "warning", message: mark.message };
    });
    editor.dispatch(setDiagnostics(editor.state, found));
  }, [marks]);

  useEffect(() => {
    const editor = view.current;
    if (!editor || !goTo) return;
    const anchor = offsetOf(editor.state, goTo);
    editor.dispatch({ selection: { anchor }, effects: EditorView.scrollIntoView(anchor, { y: "center" }) });
    editor.focus();
  }, [goTo]);

  return <div ref={host} className={styles.editor} />;
}

/** The server counts columns in characters, the editor in UTF-16 units. What has moved meanwhile is taken as near as can be. */
function offsetOf(state: EditorState, { line, column }: Place): number {
  const found = state.doc.line(Math.max(1, Math.min(line, state.doc.lines)));
  const before = [...found.text].slice(0, Math.max(0, column - 1)).join("");
  return found.from + before.length;
}
