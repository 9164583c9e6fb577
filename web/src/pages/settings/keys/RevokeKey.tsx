import { graphql } from "../../../api/graphql";
import { useAction } from "../../../api/useAction";
import { ConfirmDialog } from "../../../components/ConfirmDialog";
import { toast } from "../../../components/Toast";
import { useViewer } from "../../../session/viewer";
import { t } from "../../../texts";
import { type Key, KeyFragment } from "./KeysQuery";

const Revoke = graphql(
  `
    mutation RevokeApiKey($keyId: ID!, $idempotencyKey: String) {
      revokeApiKey(keyId: $keyId, idempotencyKey: $idempotencyKey) {
        refusal {
          code
          message
          field
        }
        key {
          ...Key
        }
      }
    }
  `,
  [KeyFragment],
);

export function RevokeKey({ apiKey, onClose }: { apiKey: Key; onClose: () => void }) {
  const viewer = useViewer();
  const { run, running, refusal, problem } = useAction(Revoke);
  const revoke = async () => {
    if (!(await run({ keyId: apiKey.id }))) return;
    toast(t("keys.revokedDone", { label: apiKey.label }));
    onClose();
  };
  return (
    <ConfirmDialog
      title={t("keys.revokeTitle", { label: apiKey.label })}
      action={t("keys.revoke")}
      isDangerous
      isRunning={running}
      refusal={refusal}
      problem={problem}
      onConfirm={revoke}
      onClose={onClose}
    >
      <p>{t(apiKey.id === viewer.keyId ? "keys.revokeOwnHint" : "keys.revokeHint")}</p>
    </ConfirmDialog>
  );
}
