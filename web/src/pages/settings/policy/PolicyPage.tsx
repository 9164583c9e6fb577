import { useQuery } from "urql";
import { problemOf } from "../../../api/problem";
import { Failure } from "../../../components/Failure";
import { Skeleton } from "../../../components/Skeleton";
import { t } from "../../../texts";
import { SettingsFrame } from "../SettingsFrame";
import { CapsForm } from "./CapsForm";
import { DaysForm } from "./DaysForm";
import { Emergency } from "./Emergency";
import { PolicyQuery } from "./PolicyQuery";
import { QuietHoursForm } from "./QuietHoursForm";
import { RulesForm } from "./RulesForm";

/** When, how often and to whom nothing is sent. */
export function PolicyPage() {
  const [{ data, error }, read] = useQuery({ query: PolicyQuery });
  const readAgain = () => read({ requestPolicy: "network-only" });
  const policy = data?.policy;
  return (
    <SettingsFrame section="policy">
      <p>{t("policy.hint")}</p>
      <Failure problem={error && problemOf(error)} onRetry={readAgain} />
      {policy ? (
        <>
          <QuietHoursForm policy={policy} onSaved={readAgain} />
          <DaysForm policy={policy} onSaved={readAgain} />
          <CapsForm policy={policy} onSaved={readAgain} />
          <RulesForm policy={policy} onSaved={readAgain} />
          <Emergency policy={policy} onSaved={readAgain} />
        </>
      ) : error ? null : (
        <Skeleton lines={16} />
      )}
    </SettingsFrame>
  );
}
