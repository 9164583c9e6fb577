import type { FieldName } from "./kinds";
import { fieldsOf } from "./kinds";
import type { Group, Part } from "./tree";

/** What is wrong with one part of the tree, at one of its fields or as a whole. */
export interface Mistake {
  id: string;
  name?: FieldName;
  message: string;
}

interface Place {
  part: Part;
  path: string;
}

/** Each part with the path that the server names it by, such as `criteria.all[0].leadScore`. */
function placesOf(part: Part, prefix: string): Place[] {
  const base = part.isNegated ? `${prefix}.not` : prefix;
  const path = `${base}.${part.type === "group" ? part.join : part.kind}`;
  const below = part.type === "group" ? part.parts.flatMap((one, at) => placesOf(one, `${path}[${at}]`)) : [];
  return [{ part, path }, ...below];
}

/** Finds the part that a refusal's path leads to; the root takes what leads nowhere else. */
export function mistakeAt(root: Group, path: string, message: string): Mistake {
  const places = placesOf(root, "criteria");
  const found = places
    .filter(
      (place) => path === place.path || (path.startsWith(place.path) && /^[.[]/.test(path.slice(place.path.length))),
    )
    .toSorted((one, other) => other.path.length - one.path.length)[0];
  const words = message.startsWith(`${path}: `) ? message.slice(path.length + 2) : message;
  if (!found) return { id: root.id, message: words };
  const rest = path.slice(found.path.length + 1).split(/[.[]/, 1)[0];
  const fields = found.part.type === "rule" ? fieldsOf(found.part.kind, found.part.values) : [];
  return { id: found.part.id, name: fields.find((field) => field.name === rest)?.name, message: words };
}
