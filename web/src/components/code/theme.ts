import { HighlightStyle, syntaxHighlighting } from "@codemirror/language";
import { EditorView } from "@codemirror/view";
import { tags } from "@lezer/highlight";

/** The editor in the colours of the console: custom properties reach into the shadow root. */
export const theme = [
  EditorView.theme({
    "&": { fontSize: "12.5px", color: "var(--ink)", backgroundColor: "var(--raised)", height: "100%" },
    "&.cm-focused": { outline: "none" },
    ".cm-scroller": { fontFamily: "var(--mono)", lineHeight: "1.55", overflow: "auto" },
    ".cm-content": { padding: "8px 0", caretColor: "var(--ink)" },
    ".cm-cursor": { borderLeftColor: "var(--ink)" },
    ".cm-gutters": { backgroundColor: "var(--ground-2)", color: "var(--ink-3)", borderRight: "1px solid var(--line)" },
    ".cm-activeLine, .cm-activeLineGutter": { backgroundColor: "var(--ground-2)" },
    "&.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground, .cm-selectionBackground": {
      backgroundColor: "var(--accent-soft)",
    },
    ".cm-panels": { backgroundColor: "var(--ground-2)", color: "var(--ink)", borderColor: "var(--line)" },
    ".cm-tooltip": { backgroundColor: "var(--raised)", border: "1px solid var(--line)" },
    ".cm-matchingBracket": { backgroundColor: "var(--ground-3) !important" },
    ".cm-changedLine": { backgroundColor: "var(--accent-soft) !important" },
    ".cm-deletedChunk": { backgroundColor: "var(--bad-soft) !important" },
    "&.cm-merge-a .cm-changedLine": { backgroundColor: "var(--bad-soft) !important" },
    "&.cm-merge-b .cm-changedLine": { backgroundColor: "var(--good-soft) !important" },
    "&.cm-merge-a .cm-changedText": {
      background: "none",
      textDecoration: "underline",
      textDecorationColor: "var(--bad)",
    },
    "&.cm-merge-b .cm-changedText": {
      background: "none",
      textDecoration: "underline",
      textDecorationColor: "var(--good)",
    },
    ".cm-collapsedLines": { background: "var(--ground-2)", color: "var(--ink-2)" },
  }),
  syntaxHighlighting(
    HighlightStyle.define([
      { tag: [tags.tagName, tags.angleBracket], color: "var(--accent)" },
      { tag: [tags.attributeName, tags.propertyName], color: "var(--warn)" },
      { tag: [tags.string, tags.attributeValue], color: "var(--good)" },
      { tag: [tags.keyword, tags.controlKeyword, tags.operatorKeyword], color: "var(--bad)" },
      { tag: [tags.variableName, tags.function(tags.variableName)], color: "var(--ink)", fontWeight: "600" },
      { tag: [tags.comment], color: "var(--ink-3)", fontStyle: "italic" },
      { tag: [tags.number, tags.bool], color: "var(--good)" },
    ]),
  ),
];
