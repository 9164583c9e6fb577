import type { Viewer } from "./viewer";

// What is offered to whom. The server decides what is allowed; sending it says itself (`maySend`), because it goes by the key.

/** Changes customers, their notes, consent and conversations. */
export const mayEdit = ({ role }: Viewer): boolean => role === "ADMIN" || role === "MARKETER" || role === "AGENT";

/** Writes lists, templates and plans of campaigns, which everybody reads. */
export const mayAuthor = ({ role }: Viewer): boolean => role === "ADMIN" || role === "MARKETER";
