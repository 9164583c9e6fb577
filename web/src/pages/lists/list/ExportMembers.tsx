import { useEffect, useRef, useState } from "react";
import { useClient } from "urql";
import { graphql } from "../../../api/graphql";
import { uuidOf } from "../../../api/ids";
import { type Problem, problemOf } from "../../../api/problem";
import { Button } from "../../../components/Button";
import { Dialog } from "../../../components/Dialog";
import { Failure } from "../../../components/Failure";
import { Progress } from "../../../components/Progress";
import { t } from "../../../texts";
import type { ShownList } from "../ListQuery";
import { csvLine, saveFile } from "./csv";

const ExportQuery = graphql(`
  query ExportListMembers($id: ID!, $after: String) {
    list(id: $id) {
      id
      members(first: 200, after: $after) {
        pageInfo {
          hasNextPage
          endCursor
        }
        nodes {
          customerId
          enteredAt
          cause
          customer {
            id
            name
            externalId
            addresses {
              id
              kind
              address
              primary
            }
          }
        }
      }
    }
  }
`);

/** Reads all members page by page and saves them as a file. */
export function ExportMembers({ list, onClose }: { list: ShownList; onClose: () => void }) {
  const client = useClient();
  const [done, setDone] = useState(0);
  const [isRunning, setIsRunning] = useState(false);
  const [problem, setProblem] = useState<Problem>();
  const isStopped = useRef(false);
  useEffect(() => {
    isStopped.current = false;
    return () => {
      isStopped.current = true;
    };
  }, []);

  const start = async () => {
    setIsRunning(true);
    setProblem(undefined);
    let text = csvLine(["customer_id", "external_id", "name", "email", "phone", "member_since", "cause"]);
    let count = 0;
    let after: string | null = null;
    do {
      const { data, error }: Awaited<ReturnType<typeof page>> = await page(after);
      if (isStopped.current) return;
      const members = data?.list?.members;
      if (!members) {
        setProblem(error ? problemOf(error) : { message: t("lists.unknown") });
        setIsRunning(false);
        return;
      }
      text += members.nodes.map(lineOf).join("");
      count += members.nodes.length;
      setDone(count);
      after = members.pageInfo.hasNextPage ? members.pageInfo.endCursor : null;
    } while (after !== null);
    saveFile(`${list.name}.csv`, text);
    onClose();
  };
  const page = (after: string | null) =>
    client.query(ExportQuery, { id: list.id, after }, { requestPolicy: "network-only" }).toPromise();

  return (
    <Dialog
      title={t("lists.action.export")}
      onClose={onClose}
      actions={
        <>
          <Button onClick={onClose}>{t("common.cancel")}</Button>
          <Button kind="primary" busy={isRunning} onClick={start}>
            {t("lists.exportStart")}
          </Button>
        </>
      }
    >
      <p>{t("lists.exportHint")}</p>
      {isRunning ? (
        <Progress label={t("lists.exporting")} done={done} total={Math.max(done, list.memberCount)} />
      ) : null}
      <Failure problem={problem} />
    </Dialog>
  );
}

interface Member {
  customerId: string;
  enteredAt: string;
  cause: string;
  customer: {
    name: string | null;
    externalId: string | null;
    addresses: { kind: string; address: string | null; primary: boolean }[];
  } | null;
}

function lineOf({ customerId, enteredAt, cause, customer }: Member): string {
  const addressOf = (kind: string) => {
    const all = customer?.addresses.filter((address) => address.kind === kind) ?? [];
    return (all.find((address) => address.primary) ?? all[0])?.address;
  };
  return csvLine([
    uuidOf(customerId),
    customer?.externalId,
    customer?.name,
    addressOf("EMAIL"),
    addressOf("PHONE"),
    enteredAt,
    cause.toLowerCase(),
  ]);
}
