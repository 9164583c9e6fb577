import {
  Bell,
  ClipboardList,
  FileInput,
  Gauge,
  Inbox,
  Megaphone,
  PenLine,
  ScrollText,
  Settings,
  Users,
} from "lucide-react";
import type { ReactNode } from "react";
import type { Role } from "../session/viewer";

// One list for the sidebar, the palette and the shortcuts.

export interface Destination {
  to:
    | "/"
    | "/inbox"
    | "/customers"
    | "/lists"
    | "/templates"
    | "/campaigns"
    | "/notifications"
    | "/imports"
    | "/audit"
    | "/settings";
  name:
    | "today"
    | "inbox"
    | "customers"
    | "lists"
    | "templates"
    | "campaigns"
    | "notifications"
    | "imports"
    | "audit"
    | "settings";
  icon: ReactNode;
  /** Goes there after `g`. */
  letter: string;
  /** Who has something to see there; by default everybody. */
  roles?: readonly Role[];
}

export const GROUPS: readonly { name: "work" | "reach" | "system"; destinations: readonly Destination[] }[] = [
  {
    name: "work",
    destinations: [
      { to: "/", name: "today", icon: <Gauge />, letter: "t" },
      { to: "/inbox", name: "inbox", icon: <Inbox />, letter: "i" },
      { to: "/customers", name: "customers", icon: <Users />, letter: "c" },
    ],
  },
  {
    name: "reach",
    destinations: [
      { to: "/lists", name: "lists", icon: <ClipboardList />, letter: "l" },
      { to: "/templates", name: "templates", icon: <PenLine />, letter: "e" },
      { to: "/campaigns", name: "campaigns", icon: <Megaphone />, letter: "p" },
      { to: "/notifications", name: "notifications", icon: <Bell />, letter: "n" },
    ],
  },
  {
    name: "system",
    destinations: [
      { to: "/imports", name: "imports", icon: <FileInput />, letter: "m" },
      { to: "/audit", name: "audit", icon: <ScrollText />, letter: "a", roles: ["ADMIN", "AUDITOR"] },
      { to: "/settings", name: "settings", icon: <Settings />, letter: "s", roles: ["ADMIN"] },
    ],
  },
];

/** Whether a role has something to see at an address. */
export const isOpenTo = (role: Role, path: string): boolean =>
  GROUPS.flatMap((group) => group.destinations).every(
    (one) => !one.roles || one.roles.includes(role) || !`${path}/`.startsWith(`${one.to}/`),
  );

export const destinationsFor = (role: Role): Destination[] =>
  GROUPS.flatMap((group) => group.destinations).filter((one) => !one.roles || one.roles.includes(role));
