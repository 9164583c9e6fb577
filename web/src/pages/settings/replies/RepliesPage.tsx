import { MessageSquareText, Plus } from "lucide-react";
import { useDeferredValue } from "react";
import { useQuery } from "urql";
import { problemOf } from "../../../api/problem";
import { Button } from "../../../components/Button";
import { type Column, DataTable } from "../../../components/DataTable";
import { Empty } from "../../../components/Empty";
import { SearchField } from "../../../components/SearchField";
import { Time } from "../../../components/Time";
import { t } from "../../../texts";
import { optional, text, urlState } from "../../../url/urlState";
import { useUrlState } from "../../../url/useUrlState";
import { SettingsFrame } from "../SettingsFrame";
import styles from "./RepliesPage.module.css";
import { RepliesQuery, type Reply } from "./RepliesQuery";
import { ReplyDialog } from "./ReplyDialog";

/** `edit` is the code of the reply that is open; a code has no space, so that this means a new one. */
const NEW = " new";
const repliesUrl = urlState({ search: text(), edit: optional() });
/** The most that one page of the API holds. */
const MOST = 200;

export function RepliesPage() {
  const [url, setUrl] = useUrlState(repliesUrl);
  const search = useDeferredValue(url.search.trim());
  const [{ data, error }, read] = useQuery({
    query: RepliesQuery,
    variables: { search: search || undefined, first: MOST },
  });
  const readAgain = () => read({ requestPolicy: "network-only" });
  const edited = data?.cannedReplies.find(({ code }) => code === url.edit);
  const add = (
    <Button kind="primary" icon={<Plus aria-hidden="true" />} onClick={() => setUrl({ edit: NEW })}>
      {t("replies.add")}
    </Button>
  );
  return (
    <SettingsFrame section="replies" isTable actions={add}>
      <div className={styles.page}>
        <div className={styles.search}>
          <SearchField label={t("replies.search")} value={url.search} onChange={(words) => setUrl({ search: words })} />
        </div>
        <div className={styles.rows}>
          <DataTable
            label={t("settings.section.replies")}
            columns={columns()}
            rows={data?.cannedReplies ?? []}
            rowId={({ code }) => code}
            onOpen={({ code }) => setUrl({ edit: code })}
            isLoading={!data && !error}
            problem={error && problemOf(error)}
            onRetry={readAgain}
            empty={
              search ? (
                <Empty title={t("common.nothingFound")} />
              ) : (
                <Empty title={t("replies.none")} icon={<MessageSquareText aria-hidden="true" />} action={add}>
                  {t("replies.noneHint")}
                </Empty>
              )
            }
          />
        </div>
      </div>
      {edited || url.edit === NEW ? (
        <ReplyDialog key={url.edit} reply={edited} onChanged={readAgain} onClose={() => setUrl({ edit: undefined })} />
      ) : null}
    </SettingsFrame>
  );
}

const columns = (): Column<Reply>[] => [
  {
    id: "title",
    header: t("replies.title"),
    width: "minmax(136px, 1fr)",
    cell: ({ title }) => <bdi title={title}>{title}</bdi>,
  },
  { id: "code", header: t("replies.code"), width: "minmax(96px, 0.6fr)", cell: ({ code }) => <code>{code}</code> },
  {
    id: "body",
    header: t("replies.body"),
    width: "minmax(200px, 2fr)",
    isWide: true,
    cell: ({ bodies, defaultLocale }) => (
      <bdi>{(bodies.find(({ locale }) => locale === defaultLocale) ?? bodies[0])?.body}</bdi>
    ),
  },
  {
    id: "locales",
    header: t("replies.locales"),
    width: "120px",
    isWide: true,
    cell: ({ bodies }) => bodies.map(({ locale }) => locale).join(", "),
  },
  {
    id: "changed",
    header: t("replies.changed"),
    width: "136px",
    isWide: true,
    cell: ({ changedAt }) => <Time at={changedAt} />,
  },
];
