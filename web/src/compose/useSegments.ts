import { useEffect, useState } from "react";
import { useQuery } from "urql";
import { graphql } from "../api/graphql";
import type { Channel } from "../components/Status";

/** The server counts: it knows what it will send. */
const SegmentsQuery = graphql(`
  query Segments($text: String!) {
    previewTemplate(
      input: {
        channel: SMS
        template: {
          unsaved: {
            code: "segments"
            title: "segments"
            defaultLocale: "en"
            contents: [{ locale: "en", texts: { sms: { body: $text } } }]
          }
        }
      }
    ) {
      preview {
        segments
        ucs2
      }
    }
  }
`);

/** How long somebody who types may pause before the count follows. */
const PAUSE_MS = 150;

/** What stands in a text as it is, although it looks like Liquid. */
const literal = (text: string): string => `{% raw %}${text.replaceAll(/\{%-?\s*endraw/g, "{% end raw")}{% endraw %}`;

/** How many segments a text takes by SMS, while one types; undefined on other channels and until it is counted. */
export function useSegments(channel: Channel, text: string): { count: number; isUcs2: boolean } | undefined {
  const [settled, setSettled] = useState(text);
  useEffect(() => {
    const timer = window.setTimeout(() => setSettled(text), PAUSE_MS);
    return () => window.clearTimeout(timer);
  }, [text]);
  const [{ data }] = useQuery({
    query: SegmentsQuery,
    variables: { text: literal(settled) },
    pause: channel !== "SMS" || settled === "",
    // The same text always has the same number.
    requestPolicy: "cache-first",
  });
  const preview = data?.previewTemplate.preview;
  if (channel !== "SMS" || text === "" || !preview || preview.segments === null) return undefined;
  return { count: preview.segments, isUcs2: preview.ucs2 ?? false };
}
