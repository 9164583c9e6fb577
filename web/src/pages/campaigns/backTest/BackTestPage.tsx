import { Link } from "@tanstack/react-router";
import { History } from "lucide-react";
import { useState } from "react";
import { useQuery } from "urql";
import { problemOf } from "../../../api/problem";
import { Button } from "../../../components/Button";
import { Empty } from "../../../components/Empty";
import { Failure } from "../../../components/Failure";
import { Input, Select } from "../../../components/Field";
import { PageHeader } from "../../../components/PageHeader";
import { Progress } from "../../../components/Progress";
import { CHANNELS } from "../../../components/Status";
import { t } from "../../../texts";
import { useUrlState } from "../../../url/useUrlState";
import { ListChooser } from "../parts/ListChooser";
import { useChoices } from "../plan/ChoicesQuery";
import styles from "./BackTestPage.module.css";
import { BackTestQuery } from "./BackTestQuery";
import { ACTIONS, type BackTestState, backTestUrl, inputOf, WINDOWS } from "./backTestUrl";
import { Report } from "./Report";

/** Tries a rule on messages of the past: who would not have been written to? */
export function BackTestPage() {
  const [url, setUrl] = useUrlState(backTestUrl);
  const [{ data, error, fetching }, run] = useQuery({
    query: BackTestQuery,
    variables: { input: inputOf(url) },
    pause: !url.run,
  });
  const { backTest, refusal } = data?.backTest ?? {};
  return (
    <>
      <PageHeader title={t("backTest.title")} above={<Link to="/campaigns">{t("nav.campaigns")}</Link>} />
      <div className={styles.page}>
        <Form
          key={JSON.stringify(url)}
          asked={url}
          isRunning={fetching}
          onRun={(state) => setUrl({ ...state, run: true }, { push: true })}
        />
        <div className={styles.report} aria-live="polite" aria-busy={fetching}>
          {fetching ? <Progress label={t("backTest.running")} done={0} /> : null}
          <Failure
            refusal={refusal ?? undefined}
            problem={error && problemOf(error)}
            onRetry={() => run({ requestPolicy: "network-only" })}
          />
          {backTest ? <Report report={backTest} /> : null}
          {url.run ? null : (
            <Empty title={t("backTest.none")} icon={<History aria-hidden="true" />}>
              {t("backTest.noneHint")}
            </Empty>
          )}
        </div>
      </div>
    </>
  );
}

interface FormProps {
  asked: BackTestState;
  isRunning: boolean;
  onRun: (state: BackTestState) => void;
}

function Form({ asked, isRunning, onRun }: FormProps) {
  const [state, setState] = useState(asked);
  const { choices } = useChoices();
  const change = (changes: Partial<BackTestState>) => setState((before) => ({ ...before, ...changes }));
  const channels = [
    { value: "" as const, label: t("backTest.allChannels") },
    ...CHANNELS.map((channel) => ({ value: channel, label: t(`channel.${channel}`) })),
  ];
  return (
    <form
      className={styles.form}
      onSubmit={(event) => {
        event.preventDefault();
        onRun(state);
      }}
    >
      <fieldset>
        <legend>{t("backTest.period")}</legend>
        <div className={styles.row}>
          <Input
            label={t("backTest.since")}
            type="date"
            value={state.since}
            onChange={(event) => change({ since: event.target.value })}
          />
          <Input
            label={t("backTest.until")}
            type="date"
            value={state.until}
            onChange={(event) => change({ until: event.target.value })}
          />
        </div>
        <p>{t("backTest.periodHint")}</p>
      </fieldset>
      <fieldset>
        <legend>{t("backTest.cap")}</legend>
        <div className={styles.row}>
          <Input
            label={t("backTest.limit")}
            type="number"
            min={0}
            value={state.limit}
            onChange={(event) => change({ limit: event.target.value })}
          />
          <Select
            label={t("backTest.window")}
            value={state.window}
            options={WINDOWS.map((window) => ({ value: window, label: t(`notifications.window.${window}`) }))}
            onChange={(window) => change({ window })}
          />
          {state.window === "ROLLING_HOURS" ? (
            <Input
              label={t("backTest.hours")}
              type="number"
              min={1}
              value={state.hours}
              onChange={(event) => change({ hours: event.target.value })}
            />
          ) : null}
          <Select
            label={t("campaign.channel")}
            value={state.capChannel ?? ""}
            options={channels}
            onChange={(channel) => change({ capChannel: channel || undefined })}
          />
          <Select
            label={t("backTest.then")}
            value={state.capAction}
            options={ACTIONS.map((action) => ({ value: action, label: t(`notifications.action.${action}`) }))}
            onChange={(capAction) => change({ capAction })}
          />
        </div>
      </fieldset>
      <fieldset>
        <legend>{t("backTest.quietHours")}</legend>
        <div className={styles.row}>
          <Input
            label={t("backTest.from")}
            type="time"
            value={state.from}
            onChange={(event) => change({ from: event.target.value })}
          />
          <Input
            label={t("backTest.to")}
            type="time"
            value={state.to}
            onChange={(event) => change({ to: event.target.value })}
          />
          <Select
            label={t("campaign.channel")}
            value={state.quietChannel ?? ""}
            options={channels}
            onChange={(channel) => change({ quietChannel: channel || undefined })}
          />
        </div>
      </fieldset>
      {choices && choices.lists.nodes.length > 0 ? (
        <ListChooser
          legend={t("plan.exclude")}
          lists={choices.lists.nodes}
          value={state.exclude}
          onChange={(exclude) => change({ exclude })}
        />
      ) : null}
      <div>
        <Button type="submit" kind="primary" busy={isRunning}>
          {t("backTest.run")}
        </Button>
      </div>
    </form>
  );
}
