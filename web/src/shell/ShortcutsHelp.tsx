import { Dialog } from "../components/Dialog";
import { t } from "../texts";
import { GROUPS } from "./navigation";
import styles from "./ShortcutsHelp.module.css";

export default function ShortcutsHelp({ onClose }: { onClose: () => void }) {
  const rows: [string[], string][] = [
    [[t("palette.keys")], t("palette.title")],
    [["/"], t("shortcuts.search")],
    [["↑", "↓"], t("shortcuts.rows")],
    [["↵"], t("shortcuts.open")],
    [["Space"], t("shortcuts.select")],
    [["?"], t("shortcuts.title")],
    [["j", "k"], t("inbox.keys.move")],
    [["r"], t("inbox.keys.reply")],
    [["e"], t("inbox.keys.resolve")],
    [["s"], t("inbox.keys.snooze")],
    [["a"], t("inbox.keys.assign")],
    ...GROUPS.flatMap((group) => group.destinations).map((one): [string[], string] => [
      ["g", one.letter],
      t("shortcuts.go", { page: t(`nav.${one.name}`) }),
    ]),
  ];
  return (
    <Dialog title={t("shortcuts.title")} onClose={onClose}>
      <dl className={styles.keys}>
        {rows.map(([keys, meaning]) => (
          <div key={meaning}>
            <dt>{meaning}</dt>
            <dd>
              {keys.map((key) => (
                <kbd key={key}>{key}</kbd>
              ))}
            </dd>
          </div>
        ))}
      </dl>
    </Dialog>
  );
}
