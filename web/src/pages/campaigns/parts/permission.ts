import type { Viewer } from "../../../session/viewer";

/** Who may write plans. Starting, pausing and cancelling need permission to send besides. */
export const mayPlan = (viewer: Viewer): boolean => viewer.role === "ADMIN" || viewer.role === "MARKETER";
