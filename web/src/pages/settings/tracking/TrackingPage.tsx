import { useQuery } from "urql";
import { problemOf } from "../../../api/problem";
import { Failure } from "../../../components/Failure";
import { Skeleton } from "../../../components/Skeleton";
import { t } from "../../../texts";
import { PolicyQuery } from "../policy/PolicyQuery";
import { SettingsFrame } from "../SettingsFrame";
import { TrackingForm } from "./TrackingForm";

/** The tenant's own tracking of opens and clicks. */
export function TrackingPage() {
  const [{ data, error }, read] = useQuery({ query: PolicyQuery });
  const readAgain = () => read({ requestPolicy: "network-only" });
  return (
    <SettingsFrame section="tracking">
      <p>{t("tracking.hint")}</p>
      <Failure problem={error && problemOf(error)} onRetry={readAgain} />
      {data ? <TrackingForm tracking={data.policy.tracking} onSaved={readAgain} /> : null}
      {data || error ? null : <Skeleton lines={12} />}
    </SettingsFrame>
  );
}
