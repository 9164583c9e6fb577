import { credentials } from "../../../session/session";

type Uploaded = { fileId: string } | { message: string | undefined };

/** Uploads a file to be imported. `onProgress` is told of bytes; only this kind of request tells them. */
export function upload(file: File, onProgress: (done: number, total: number) => void): Promise<Uploaded> {
  return new Promise((resolve) => {
    const request = new XMLHttpRequest();
    request.open("POST", "/import-files");
    for (const [name, value] of Object.entries(credentials())) request.setRequestHeader(name, value);
    request.setRequestHeader("Content-Type", "application/octet-stream");
    request.setRequestHeader("Content-Disposition", `attachment; filename*=UTF-8''${encodeURIComponent(file.name)}`);
    request.upload.onprogress = ({ loaded, total }) => onProgress(loaded, total);
    request.onerror = () => resolve({ message: undefined });
    request.onload = () => {
      const answer = parsed(request.responseText);
      if (request.status === 201 && typeof answer.file === "string") resolve({ fileId: answer.file });
      else resolve({ message: messageOf(answer) });
    };
    request.send(file);
  });
}

function parsed(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}

/** Refusals beside the API are written as its errors. */
function messageOf({ errors }: Record<string, unknown>): string | undefined {
  const first: unknown = Array.isArray(errors) ? errors[0] : undefined;
  const message = typeof first === "object" && first !== null ? (first as { message?: unknown }).message : undefined;
  return typeof message === "string" ? message : undefined;
}
