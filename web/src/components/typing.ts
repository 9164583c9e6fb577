/** Letters that follow each other faster, as of a key that is held, wait for the last one. */
const PAUSE_MS = 40;

/** How long, in milliseconds, the rows wait for a further letter; the moments are those of the letter before and of this one. */
export const pauseAfter = (before: number, now: number): number => (now - before < PAUSE_MS ? PAUSE_MS : 0);

/** The texts that a field has asked for and that have not come back yet, the first one first. */
export class Asked {
  private texts: string[] = [];

  add(text: string) {
    this.texts.push(text);
  }

  /**
   * Whether a value is the answer to a text that was asked for. Those asked for before it are past; those after it are still to
   * come, so that what was typed meanwhile stays in the field.
   */
  answers(value: string): boolean {
    const index = this.texts.indexOf(value);
    this.texts = index < 0 ? [] : this.texts.slice(index + 1);
    return index >= 0;
  }
}
