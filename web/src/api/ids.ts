/** The UUID of a global id (`Customer:<uuid>`), for URLs; the API takes either. */
export const uuidOf = (id: string): string => id.slice(id.indexOf(":") + 1);
