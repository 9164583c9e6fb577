import type { Role } from "../../session/viewer";

/** Who writes templates; everybody reads them. */
export const mayWrite = (role: Role): boolean => role === "ADMIN" || role === "MARKETER";
