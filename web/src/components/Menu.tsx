import * as Radix from "@radix-ui/react-dropdown-menu";
import { Check } from "lucide-react";
import type { ReactNode } from "react";
import styles from "./Menu.module.css";

export interface MenuItem {
  label: ReactNode;
  icon?: ReactNode;
  onSelect: () => void;
  isDangerous?: boolean;
  /** Makes it an item that is on or off; the menu stays open. */
  checked?: boolean;
}

/** A menu that `trigger`, a button, opens. Groups are parted by a line. */
export function Menu({ trigger, groups }: { trigger: ReactNode; groups: MenuItem[][] }) {
  return (
    // A modal menu would inject a style sheet, which the pages' policy forbids.
    <Radix.Root modal={false}>
      <Radix.Trigger asChild>{trigger}</Radix.Trigger>
      <Radix.Portal>
        <Radix.Content className={styles.menu} align="end" sideOffset={4} collisionPadding={8}>
          {groups.map((items, index) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: groups have no other identity
            <Radix.Group key={index} className={styles.group}>
              {items.map((item, position) => (
                // biome-ignore lint/suspicious/noArrayIndexKey: items are fixed while the menu is open
                <Item key={position} item={item} />
              ))}
            </Radix.Group>
          ))}
        </Radix.Content>
      </Radix.Portal>
    </Radix.Root>
  );
}

function Item({ item }: { item: MenuItem }) {
  if (item.checked === undefined) {
    return (
      <Radix.Item className={`${styles.item} ${item.isDangerous ? styles.danger : ""}`} onSelect={item.onSelect}>
        {item.icon}
        {item.label}
      </Radix.Item>
    );
  }
  return (
    <Radix.CheckboxItem
      className={styles.item}
      checked={item.checked}
      onSelect={(event) => {
        event.preventDefault();
        item.onSelect();
      }}
    >
      <span className={styles.mark}>{item.checked ? <Check /> : null}</span>
      {item.label}
    </Radix.CheckboxItem>
  );
}
