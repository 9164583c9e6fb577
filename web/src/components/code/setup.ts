import { defaultKeymap, history, historyKeymap } from "@codemirror/commands";
import { html } from "@codemirror/lang-html";
import { liquid } from "@codemirror/lang-liquid";
import { bracketMatching, indentOnInput } from "@codemirror/language";
import { highlightSelectionMatches, search, searchKeymap } from "@codemirror/search";
import type { Extension } from "@codemirror/state";
import { drawSelection, EditorView, highlightActiveLine, keymap, lineNumbers } from "@codemirror/view";
import { theme } from "./theme";

export type CodeLanguage = "markup" | "text";

/** What each editor of texts in Liquid has. Tab leads out of it, as out of each other field. */
export const setup = (language: CodeLanguage): Extension => [
  lineNumbers(),
  history(),
  drawSelection(),
  indentOnInput(),
  bracketMatching(),
  highlightActiveLine(),
  highlightSelectionMatches(),
  search({ top: true }),
  keymap.of([...defaultKeymap, ...historyKeymap, ...searchKeymap]),
  language === "markup" ? liquid({ base: html({ autoCloseTags: true }) }) : liquid(),
  EditorView.lineWrapping,
  theme,
];

/**
 * The place for an editor: a shadow root, whose styles are adopted sheets. Into the page itself CodeMirror would write a
 * `<style>`, which the pages' policy forbids.
 */
export const shadowOf = (host: HTMLElement): ShadowRoot => host.shadowRoot ?? host.attachShadow({ mode: "open" });
