/** A moment as a field of the type `datetime-local` takes it, by the person's clock. */
export function localMoment(at: Date): string {
  const local = new Date(at.getTime() - at.getTimezoneOffset() * 60_000);
  return local.toISOString().slice(0, at.getSeconds() === 0 ? 16 : 19);
}
