import { credentials } from "./session";

/** Saves a file of the server's: a link alone would not carry the key. False if it could not be had. */
export async function save(url: string, name: string): Promise<boolean> {
  const response = await fetch(new URL(url, window.location.href).pathname, { headers: credentials() }).catch(
    () => undefined,
  );
  if (!response?.ok) return false;
  offer(await response.blob(), name);
  return true;
}

/** Saves a text that the page has. */
export const saveText = (text: string, name: string): void => offer(new Blob([text], { type: "text/plain" }), name);

function offer(file: Blob, name: string): void {
  const made = URL.createObjectURL(file);
  const link = document.createElement("a");
  link.href = made;
  link.download = name;
  link.click();
  URL.revokeObjectURL(made);
}
