import { useMemo } from "react";
import { useQuery } from "urql";
import { problemOf } from "../../../api/problem";
import { CodeDiff } from "../../../components/code/CodeDiff";
import { Empty } from "../../../components/Empty";
import { Failure } from "../../../components/Failure";
import { Select } from "../../../components/Field";
import { Skeleton } from "../../../components/Skeleton";
import { t } from "../../../texts";
import { useUrlState } from "../../../url/useUrlState";
import { contentOf, type Draft, type SavedTemplate } from "../draft/draft";
import { VersionQuery } from "../TemplateQuery";
import { templateUrl } from "../templatesUrl";
import { type Compared, type Difference, differences } from "./differences";
import styles from "./Versions.module.css";
import { VersionTable } from "./VersionTable";

const DRAFT = "draft";

/** The published versions, and two of them side by side. */
export function Versions({ saved, draft }: { saved: SavedTemplate; draft: Draft }) {
  const [url, setUrl] = useUrlState(templateUrl);
  const newest = saved.versions[0]?.version;
  const options = [
    { value: DRAFT, label: t("templates.draft") },
    ...saved.versions.map((one) => ({
      value: String(one.version),
      label: t("templates.versionN", { version: one.version }),
    })),
  ];
  const known = (value: string | undefined) => options.find((option) => option.value === value)?.value;
  const old = known(url.old) ?? String(newest ?? DRAFT);
  const changed = known(url.new) ?? DRAFT;
  const left = useVersion(saved.code, old, draft);
  const right = useVersion(saved.code, changed, draft);
  const error = left.error ?? right.error;
  const found = useMemo(
    () => left.compared && right.compared && differences(left.compared, right.compared),
    [left.compared, right.compared],
  );
  if (newest === undefined) {
    return <Empty title={t("templates.noVersions")}>{t("templates.noVersionsHint")}</Empty>;
  }
  const labelOf = (value: string) => options.find((option) => option.value === value)?.label ?? value;
  return (
    <div className={styles.versions}>
      <VersionTable versions={saved.versions} onCompare={(version) => setUrl({ old: version, new: undefined })} />
      <div className={styles.choices}>
        <Select
          label={t("templates.left")}
          value={old}
          options={options}
          onChange={(value) => setUrl({ old: value })}
        />
        <Select
          label={t("templates.right")}
          value={changed}
          options={options}
          onChange={(value) => setUrl({ new: value })}
        />
      </div>
      <Failure problem={error && problemOf(error)} />
      {found ? (
        <div className={styles.differences} role="region" aria-label={t("templates.differences")}>
          {found.length === 0 ? <p className={styles.same}>{t("templates.same")}</p> : null}
          {found.map((one) => (
            <DifferenceOf key={`${one.key} ${one.field}`} of={one} labels={[labelOf(old), labelOf(changed)]} />
          ))}
        </div>
      ) : error ? null : (
        <Skeleton lines={8} />
      )}
    </div>
  );
}

function DifferenceOf({ of, labels }: { of: Difference; labels: readonly [string, string] }) {
  const title = [of.key?.replace(".", " "), of.field].filter(Boolean).join(" · ");
  const [old, changed] = labels;
  return (
    <section className={styles.difference} aria-label={title}>
      <h2>{title}</h2>
      <div className={styles.sides} aria-hidden="true">
        <span>{old}</span>
        <span>{changed}</span>
      </div>
      <CodeDiff
        labels={[`${old}: ${title}`, `${changed}: ${title}`]}
        language={of.field === "source" ? "markup" : "text"}
        texts={[of.old, of.changed]}
      />
    </section>
  );
}

/** The texts of the draft as it is edited, or of a version. */
function useVersion(code: string, value: string, draft: Draft) {
  const isDraft = value === DRAFT;
  const [{ data, error }] = useQuery({
    query: VersionQuery,
    variables: { code, version: Number(value) || 0 },
    pause: isDraft,
  });
  const version = data?.templateVersion;
  const compared = useMemo((): Compared | undefined => {
    if (isDraft) return draft;
    // Another version is still being read.
    return version && String(version.version) === value
      ? { ...version, contents: version.contents.map(contentOf) }
      : undefined;
  }, [isDraft, draft, version, value]);
  return { compared, error: isDraft ? undefined : error };
}
