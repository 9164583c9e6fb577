/** The colours of the pages behind links in messages, as the server computes them (`src/http/pages/palette.rs`). */

type Rgb = readonly [number, number, number];

const BLACK: Rgb = [0, 0, 0];
const WHITE: Rgb = [255, 255, 255];
const LIGHT = "#f5f5f4";
const DARK = "#1e1f24";
/** The contrast that WCAG 2.2 asks of text at level AA. */
const READABLE = 4.5;
const STEPS = 20;
/** The accent of who chose none. */
export const ACCENT = "#2b4c7e";

/** A colour as `#rrggbb`; nothing if it is not one. */
export function colourOf(text: string): string | undefined {
  const digits = text.trim().replace(/^#/, "").toLowerCase();
  if (/^[0-9a-f]{6}$/.test(digits)) return `#${digits}`;
  if (/^[0-9a-f]{3}$/.test(digits)) return `#${[...digits].map((digit) => digit + digit).join("")}`;
  return undefined;
}

const read = (colour: string): Rgb =>
  [1, 3, 5].map((at) => Number.parseInt(colour.slice(at, at + 2), 16)) as [number, number, number];
const write = (rgb: Rgb): string => `#${rgb.map((part) => part.toString(16).padStart(2, "0")).join("")}`;

function luminance(rgb: Rgb): number {
  const [r, g, b] = rgb.map((part) => {
    const scaled = part / 255;
    return scaled <= 0.04045 ? scaled / 12.92 : ((scaled + 0.055) / 1.055) ** 2.4;
  }) as [number, number, number];
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

function contrast(one: Rgb, other: Rgb): number {
  const [low, high] = [luminance(one), luminance(other)].sort((a, b) => a - b) as [number, number];
  return (high + 0.05) / (low + 0.05);
}

const inkOf = (rgb: Rgb): Rgb => (contrast(rgb, WHITE) >= contrast(rgb, BLACK) ? WHITE : BLACK);

/** Black or white, whichever is read better on a colour. */
export const inkOn = (colour: string): string => write(inkOf(read(colour)));

/** A colour, darkened or lightened until it can be read on another one. */
export function readableOn(colour: string, ground: string): string {
  const [own, under] = [read(colour), read(ground)];
  const ink = inkOf(under);
  for (let step = 0; step < STEPS; step += 1) {
    const mixed = own.map((part, at) =>
      Math.floor((part * (STEPS - step) + (ink[at] ?? 0) * step) / STEPS),
    ) as unknown as Rgb;
    if (contrast(mixed, under) >= READABLE) return write(mixed);
  }
  return write(ink);
}

/** What links and marks become by day and at night. */
export const marksOf = (accent: string) => ({ day: readableOn(accent, LIGHT), night: readableOn(accent, DARK) });
