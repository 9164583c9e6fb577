import { MessageSquareQuote } from "lucide-react";
import { useState } from "react";
import { useQuery } from "urql";
import { graphql } from "../api/graphql";
import { IconButton, LinkButton } from "../components/Button";
import { Combobox } from "../components/Combobox";
import { Dialog } from "../components/Dialog";
import { Empty } from "../components/Empty";
import { useViewer } from "../session/viewer";
import { t } from "../texts";
import { bodyFor, filled } from "./canned";

const CannedRepliesQuery = graphql(`
  query CannedReplies($search: String, $customerId: ID!) {
    cannedReplies(search: $search) {
      code
      title
      defaultLocale
      bodies {
        locale
        body
      }
    }
    customer(id: $customerId) {
      id
      name
      externalId
      territory
      owner
      locale
      attributes
    }
  }
`);

export interface Canned {
  code: string;
  text: string;
}

interface CannedProps {
  customerId: string;
  agent: string | undefined;
  onChoose: (canned: Canned) => void;
}

/** Prepared replies, found by title or code, filled for the customer. */
export function CannedMenu(props: CannedProps) {
  const [isOpen, setIsOpen] = useState(false);
  return (
    <>
      <IconButton label={t("inbox.canned")} icon={<MessageSquareQuote />} onClick={() => setIsOpen(true)} />
      {isOpen ? <Choice {...props} onClose={() => setIsOpen(false)} /> : null}
    </>
  );
}

function Choice({ customerId, agent, onChoose, onClose }: CannedProps & { onClose: () => void }) {
  const [search, setSearch] = useState("");
  const variables = { search: search.trim() || undefined, customerId };
  const [{ data, fetching }] = useQuery({ query: CannedRepliesQuery, variables });
  const replies = data?.cannedReplies ?? [];
  const customer = data?.customer;
  const { role } = useViewer();
  if (data && replies.length === 0 && !variables.search && !fetching) {
    return (
      <Dialog title={t("inbox.canned")} onClose={onClose}>
        <Empty
          title={t("inbox.cannedNone")}
          icon={<MessageSquareQuote aria-hidden="true" />}
          action={role === "ADMIN" ? <LinkButton to="/settings/replies">{t("inbox.cannedWrite")}</LinkButton> : null}
        >
          {t("inbox.cannedNoneHint")}
        </Empty>
      </Dialog>
    );
  }
  return (
    <Dialog title={t("inbox.canned")} onClose={onClose}>
      <Combobox
        label={t("inbox.canned")}
        isLabelHidden
        isInline
        placeholder={t("inbox.cannedSearch")}
        options={replies.map(({ code, title }) => ({ value: code, label: title, hint: code }))}
        isLoading={fetching}
        words={search}
        onWords={setSearch}
        onChoose={({ value }) => {
          const reply = replies.find(({ code }) => code === value);
          if (!reply) return;
          const values = {
            "customer.name": customer?.name,
            "customer.external_id": customer?.externalId,
            "customer.territory": customer?.territory,
            "customer.owner": customer?.owner,
            "agent.name": agent,
            attributes: customer?.attributes,
          };
          onChoose({ code: reply.code, text: filled(bodyFor(reply, customer?.locale ?? null), values) });
          onClose();
        }}
      />
    </Dialog>
  );
}
