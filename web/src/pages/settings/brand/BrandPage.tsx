import { useQuery } from "urql";
import { problemOf } from "../../../api/problem";
import { Failure } from "../../../components/Failure";
import { Skeleton } from "../../../components/Skeleton";
import { t } from "../../../texts";
import { SettingsFrame } from "../SettingsFrame";
import { BrandForm } from "./BrandForm";
import { BrandQuery } from "./BrandQuery";

/** How the pages behind links in messages look. */
export function BrandPage() {
  const [{ data, error }, read] = useQuery({ query: BrandQuery });
  const readAgain = () => read({ requestPolicy: "network-only" });
  // The form begins again with what the server made of it: colours and topics are written in one form.
  const key = data && JSON.stringify(data.brand);
  return (
    <SettingsFrame section="brand">
      <p>{t("brand.hint")}</p>
      <Failure problem={error && problemOf(error)} onRetry={readAgain} />
      {data ? <BrandForm key={key} brand={data.brand} onSaved={readAgain} /> : null}
      {data || error ? null : <Skeleton lines={16} />}
    </SettingsFrame>
  );
}
