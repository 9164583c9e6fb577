import { useDeferredValue } from "react";
import { useQuery } from "urql";
import { graphql } from "../../../api/graphql";
import { problemOf } from "../../../api/problem";
import { Failure } from "../../../components/Failure";
import { MailFrame } from "../../../components/mail/MailFrame";
import { Skeleton } from "../../../components/Skeleton";
import type { Channel } from "../../../components/Status";
import { t } from "../../../texts";
import { number } from "../../../texts/format";
import { EXAMPLE_CUSTOMER } from "../../templates/preview/values";
import styles from "./TextPreview.module.css";

const PreviewQuery = graphql(`
  query TextPreview($input: PreviewTemplateInput!) {
    previewTemplate(input: $input) {
      preview {
        subject
        body
        html
        locale
        version
        segments
        htmlBytes
        steps {
          say
          pauseSeconds
        }
      }
      refusal {
        code
        message
        field
      }
    }
  }
`);

interface TextPreviewProps {
  code: string;
  version: number | null;
  channel: Channel;
  variables?: Record<string, unknown>;
  /** Whose values are shown; otherwise those of an example customer. */
  customerId?: string;
}

/** What people will read: the subject and the mail or text, made with the values that are known. */
export function TextPreview({ code, version, channel, variables, customerId }: TextPreviewProps) {
  const input = useDeferredValue({
    channel,
    template: { published: { code, version } },
    variables: customerId ? variables : { ...EXAMPLE_CUSTOMER, ...variables },
    customerId,
  });
  const [{ data, error }] = useQuery({ query: PreviewQuery, variables: { input } });
  const { preview, refusal } = data?.previewTemplate ?? {};
  return (
    <section className={styles.preview} aria-label={t("plan.preview")}>
      <Failure refusal={refusal ?? undefined} problem={error && problemOf(error)} />
      {!data && !error ? <Skeleton lines={4} /> : null}
      {preview ? (
        <>
          {preview.subject ? (
            <p dir="auto" className={styles.subject}>
              {preview.subject}
            </p>
          ) : null}
          {preview.html ? (
            <div className={styles.mail}>
              <MailFrame html={preview.html} title={t("plan.preview")} />
            </div>
          ) : (
            <div dir="auto" className={styles.body} tabIndex={0} role="group" aria-label={t("plan.text")}>
              {preview.steps.length > 0 ? preview.steps.map((step) => step.say ?? "…").join("\n") : preview.body}
            </div>
          )}
          <p className={styles.notes}>
            {[
              customerId ? "" : t("plan.exampleCustomer"),
              preview.version === null ? "" : t("plan.version", { version: String(preview.version) }),
              preview.locale,
              typeof preview.segments === "number" ? t("plan.segments", { count: preview.segments }) : "",
              typeof preview.htmlBytes === "number"
                ? t("plan.kilobytes", { size: number(Math.ceil(preview.htmlBytes / 1_024)) })
                : "",
            ]
              .filter(Boolean)
              .join(" · ")}
          </p>
        </>
      ) : null}
    </section>
  );
}
