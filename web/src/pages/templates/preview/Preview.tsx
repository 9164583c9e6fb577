import { Monitor, Smartphone } from "lucide-react";
import { useMemo } from "react";
import { useQuery } from "urql";
import { problemOf } from "../../../api/problem";
import { useSettled } from "../../../api/useSettled";
import { Button } from "../../../components/Button";
import { Failure } from "../../../components/Failure";
import { Input } from "../../../components/Field";
import { Prose } from "../../../components/Prose";
import { Skeleton } from "../../../components/Skeleton";
import type { Channel } from "../../../components/Status";
import { t } from "../../../texts";
import { useUrlState } from "../../../url/useUrlState";
import { type Content, channelOf, type Draft } from "../draft/draft";
import { PreviewQuery } from "../TemplateQuery";
import { templateUrl } from "../templatesUrl";
import { AsCustomer } from "./AsCustomer";
import styles from "./Preview.module.css";
import { Shown } from "./Shown";
import { placeIn, previewed, valuesFor, valuesOf } from "./values";

interface PreviewProps {
  draft: Draft;
  content: Content;
  onShow: (place: { channel: Channel; locale: string; field: string; line: number; column: number }) => void;
}

const PAUSE_MS = 350;

/** How the text looks for a customer, a locale and a width, as it stands in the editor. */
export function Preview({ draft, content, onShow }: PreviewProps) {
  const [url, setUrl] = useUrlState(templateUrl);
  const channel = channelOf(content);
  const values = useMemo(() => valuesOf(url.values) ?? {}, [url.values]);
  // A customer is given the text of the own locale, unless another one is asked for.
  const locale = url.locale ?? (url.customer ? undefined : content.locale);
  const input = useMemo(
    () => ({
      channel,
      locale,
      customerId: url.customer,
      template: { unsaved: previewed(draft, content) },
      variables: valuesFor(values, url.customer !== undefined),
    }),
    [channel, locale, url.customer, draft, content, values],
  );
  const settled = useSettled(input, PAUSE_MS);
  const variables = useMemo(() => ({ input: settled }), [settled]);
  const [{ data, error, fetching }] = useQuery({ query: PreviewQuery, variables, requestPolicy: "network-only" });
  const { preview, refusal } = data?.previewTemplate ?? {};
  const place = refusal && placeIn(refusal.message);

  return (
    <>
      <div className={styles.tools}>
        <AsCustomer id={url.customer} onChange={(customer) => setUrl({ customer })} />
        <div className={styles.locale}>
          <Input
            label={t("templates.locale")}
            spellCheck={false}
            placeholder={url.customer ? t("templates.customersLocale") : content.locale}
            value={url.locale ?? ""}
            onChange={(event) => setUrl({ locale: event.target.value.trim() || undefined })}
          />
        </div>
        {channel === "EMAIL" ? (
          <div className={styles.choices}>
            <div className={styles.choice} role="group" aria-label={t("templates.width")}>
              {(["desktop", "phone"] as const).map((width) => (
                <Button
                  key={width}
                  kind={url.width === width ? "plain" : "quiet"}
                  aria-pressed={url.width === width}
                  icon={width === "phone" ? <Smartphone aria-hidden="true" /> : <Monitor aria-hidden="true" />}
                  onClick={() => setUrl({ width })}
                >
                  {t(`templates.widths.${width}`)}
                </Button>
              ))}
            </div>
            <div className={styles.choice} role="group" aria-label={t("templates.look")}>
              {(["page", "plain"] as const).map((look) => (
                <Button
                  key={look}
                  kind={url.look === look ? "plain" : "quiet"}
                  aria-pressed={url.look === look}
                  onClick={() => setUrl({ look })}
                >
                  {t(`templates.looks.${look}`)}
                </Button>
              ))}
            </div>
          </div>
        ) : null}
      </div>
      <Failure problem={error && problemOf(error)} />
      {refusal ? (
        <div className={styles.refusal} role="alert">
          <p>
            <Prose text={place?.words ?? refusal.message} />
          </p>
          {place ? (
            <Button onClick={() => onShow({ channel, locale: content.locale, ...place })}>
              {t("templates.goTo", { field: place.field, line: place.line })}
            </Button>
          ) : null}
        </div>
      ) : null}
      {preview ? (
        <div className={fetching ? styles.stale : styles.shown} aria-busy={fetching}>
          {preview.locale === content.locale ? null : (
            <p className={styles.note}>{t("templates.shownLocale", { locale: preview.locale })}</p>
          )}
          <Shown preview={preview} channel={channel} width={url.width} look={url.look} />
        </div>
      ) : !refusal && !error ? (
        <Skeleton lines={12} />
      ) : null}
    </>
  );
}
