import { useDeferredValue } from "react";
import { useQuery } from "urql";
import { t } from "../../../texts";
import { SegmentsQuery } from "./SendQueries";

/** How many segments an SMS has, as the server counts them when it sends. */
export function Segments({ body }: { body: string }) {
  const text = useDeferredValue(body);
  const [{ data }] = useQuery({
    query: SegmentsQuery,
    pause: text.trim() === "",
    variables: {
      input: {
        channel: "SMS",
        template: {
          unsaved: {
            code: "preview",
            title: "preview",
            contents: [{ locale: "en", texts: { sms: { body: `{% raw %}${text}{% endraw %}` } } }],
          },
        },
      },
    },
  });
  const preview = data?.previewTemplate.preview;
  if (text.trim() === "" || typeof preview?.segments !== "number") return <>{t("notifications.segmentsNone")}</>;
  return (
    <>
      {t("plan.segments", { count: preview.segments })}
      {preview.ucs2 ? ` · ${t("notifications.ucs2")}` : null}
    </>
  );
}
