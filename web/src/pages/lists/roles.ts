import type { Role } from "../../session/viewer";

/** Who makes and changes lists; everybody reads them. */
export const mayWrite = (role: Role): boolean => role === "ADMIN" || role === "MARKETER";
