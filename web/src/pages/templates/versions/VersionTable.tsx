import { Link } from "@tanstack/react-router";
import { Button } from "../../../components/Button";
import { Time } from "../../../components/Time";
import { t } from "../../../texts";
import type { SavedTemplate } from "../draft/draft";
import styles from "./Versions.module.css";

interface VersionTableProps {
  versions: SavedTemplate["versions"];
  onCompare: (version: string) => void;
}

/** Who published what and when, with the partials that a version was published with. */
export function VersionTable({ versions, onCompare }: VersionTableProps) {
  return (
    <section className={styles.scroll} aria-label={t("templates.tab.versions")} tabIndex={0}>
      <table className={styles.table}>
        <thead>
          <tr>
            <th scope="col">{t("templates.version")}</th>
            <th scope="col">{t("templates.publishedAt")}</th>
            <th scope="col">{t("templates.publishedBy")}</th>
            <th scope="col">{t("templates.includes")}</th>
            <th scope="col">{t("templates.hash")}</th>
            <th scope="col">
              <span className="hidden-visually">{t("templates.compare")}</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {versions.map((one) => (
            <tr key={one.version}>
              <th scope="row">v{one.version}</th>
              <td>
                <Time at={one.publishedAt} />
              </td>
              <td>
                <bdi>{one.publishedBy.name ?? one.publishedBy.id}</bdi>
              </td>
              <td>
                {Object.entries(one.includes).map(([code, version], index) => (
                  <span key={code}>
                    {index > 0 ? ", " : null}
                    <Link to="/templates/$code" params={{ code }} search={{ tab: "versions" }}>
                      {code} v{String(version)}
                    </Link>
                  </span>
                ))}
              </td>
              <td>
                <code title={one.contentHash}>{one.contentHash.slice(0, 12)}…</code>
              </td>
              <td>
                <Button kind="quiet" onClick={() => onCompare(String(one.version))}>
                  {t("templates.compare")}
                </Button>
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}
