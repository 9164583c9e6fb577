import { LinkButton } from "../../../../components/Button";
import { Empty } from "../../../../components/Empty";
import { t } from "../../../../texts";
import { ListChooser } from "../../parts/ListChooser";
import { Notice } from "../../parts/Notice";
import { RadioCards } from "../../parts/RadioCards";
import type { StepProps } from "../Wizard";
import styles from "./steps.module.css";

/** Who gets it, and who does not. */
export function AudienceStep({ draft, change, choices, errorAt }: StepProps) {
  const lists = choices.lists.nodes;
  return (
    <div className={styles.step}>
      <RadioCards
        legend={t("plan.to")}
        value={draft.everybody ? "everybody" : "lists"}
        options={[
          { value: "lists", label: t("plan.toLists"), hint: t("plan.toListsHint") },
          { value: "everybody", label: t("plan.everybody"), hint: t("plan.everybodyHint") },
        ]}
        onChange={(to) => change({ everybody: to === "everybody" })}
      />
      {lists.length === 0 ? (
        <Empty title={t("plan.noLists")} action={<LinkButton to="/lists">{t("nav.lists")}</LinkButton>}>
          {t("plan.noListsHint")}
        </Empty>
      ) : (
        <>
          {draft.everybody ? null : (
            <ListChooser
              legend={t("plan.lists")}
              lists={lists}
              value={draft.lists}
              taken={draft.exclude}
              error={errorAt("audience")}
              onChange={(chosen) => change({ lists: chosen })}
            />
          )}
          <ListChooser
            legend={t("plan.exclude")}
            lists={lists}
            value={draft.exclude}
            taken={draft.everybody ? [] : draft.lists}
            onChange={(exclude) => change({ exclude })}
          />
        </>
      )}
      <Notice>{t("plan.frozen")}</Notice>
    </div>
  );
}
