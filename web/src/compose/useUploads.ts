import { useCallback, useRef, useState } from "react";
import { credentials } from "../session/session";
import { t } from "../texts";

export interface Upload {
  id: number;
  name: string;
  /** Names the file in `sendMessage`; undefined while it is on its way. */
  token?: string;
  /** Why it is not there. */
  reason?: string;
}

/** Files that go to the server as soon as they are chosen, for a message to one customer. */
export function useUploads(customerId: string) {
  const [uploads, setUploads] = useState<Upload[]>([]);
  const lastId = useRef(0);

  const add = useCallback(
    async (files: Iterable<File>) => {
      await Promise.all(
        [...files].map(async (file) => {
          const id = ++lastId.current;
          setUploads((all) => [...all, { id, name: file.name }]);
          const end = await upload(file, customerId);
          setUploads((all) => all.map((one) => (one.id === id ? { ...one, ...end } : one)));
        }),
      );
    },
    [customerId],
  );
  const remove = useCallback((id: number) => setUploads((all) => all.filter((one) => one.id !== id)), []);
  const clear = useCallback(() => setUploads([]), []);
  return {
    uploads,
    add,
    remove,
    clear,
    tokens: uploads.flatMap(({ token }) => token ?? []),
    isUploading: uploads.some(({ token, reason }) => token === undefined && reason === undefined),
  };
}

async function upload(file: File, customerId: string): Promise<Pick<Upload, "token" | "reason">> {
  try {
    const response = await fetch(`/attachments?customer=${encodeURIComponent(customerId)}`, {
      method: "POST",
      headers: {
        ...credentials(),
        "Content-Type": file.type || "application/octet-stream",
        "Content-Disposition": `attachment; filename*=UTF-8''${encodeURIComponent(file.name)}`,
      },
      body: file,
    });
    const answer: unknown = await response.json();
    if (response.ok && hasText(answer, "attachment")) return { token: answer.attachment };
    return { reason: hasText(answer, "message") ? answer.message : t("problem.server") };
  } catch {
    return { reason: t("problem.offline") };
  }
}

const hasText = <Name extends string>(value: unknown, name: Name): value is Record<Name, string> =>
  typeof value === "object" && value !== null && name in value && typeof Reflect.get(value, name) === "string";
