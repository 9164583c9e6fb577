import { useQuery } from "urql";
import { problemOf } from "../../../api/problem";
import { Button } from "../../../components/Button";
import { Failure } from "../../../components/Failure";
import { Json } from "../../../components/Json";
import { Panel } from "../../../components/Panel";
import { Skeleton } from "../../../components/Skeleton";
import { Badge } from "../../../components/Status";
import { t } from "../../../texts";
import { flag, urlState } from "../../../url/urlState";
import { useUrlState } from "../../../url/useUrlState";
import { type LogEvent, PersonalQuery } from "./EventQuery";

const personalUrl = urlState({ personal: flag() });

/** The sealed part of an event: shown on demand, because that somebody reads it is recorded. */
export function PersonalPart({ event }: { event: LogEvent }) {
  const [url, setUrl] = useUrlState(personalUrl);
  const isShown = url.personal && event.personalPart === "SHOWN";
  return (
    <Panel
      title={t("event.personal")}
      hint={t(`event.personalHint.${event.personalPart}`)}
      actions={
        event.personalPart === "SHOWN" && !isShown ? (
          <Button onClick={() => setUrl({ personal: true })}>{t("event.show")}</Button>
        ) : (
          <Badge>{t(`audit.personal.${event.personalPart}`)}</Badge>
        )
      }
    >
      {isShown ? <Shown id={event.id} /> : null}
    </Panel>
  );
}

function Shown({ id }: { id: string }) {
  const [{ data, error }, read] = useQuery({ query: PersonalQuery, variables: { id }, requestPolicy: "network-only" });
  if (error) return <Failure problem={problemOf(error)} onRetry={() => read({ requestPolicy: "network-only" })} />;
  if (!data) return <Skeleton lines={4} />;
  return <Json label={t("event.personal")} value={data.node?.__typename === "Event" ? data.node.personal : null} />;
}
