import type { Page } from "@playwright/test";

/** A picture point by point: red, green, blue and alpha of each. */
export interface Points {
  width: number;
  height: number;
  data: Uint8Array;
}

/** The smallest box that holds all that is painted, in pixels of the canvas, and its plain colours. */
export interface Ink {
  left: number;
  top: number;
  right: number;
  bottom: number;
  /** Of the points that are painted wholly, `#rrggbb`, sorted. */
  colors: string[];
}

/** Makes the game's canvas so large, whatever else is on the page. */
export async function sizeCanvas(page: Page, width: number, height: number): Promise<void> {
  await page.evaluate(
    ([width, height]) => {
      const frame = document.querySelector<HTMLElement>(".stage-frame");
      if (frame === null) throw new Error("the page has no stage");
      const size = { width: `${width}px`, height: `${height}px` };
      Object.assign(frame.style, { flex: "none", aspectRatio: "auto", ...size });
    },
    [width, height] as const,
  );
  await page.waitForFunction(
    ([width, height]) => {
      const canvas = document.querySelector<HTMLCanvasElement>(".stage canvas");
      return canvas?.width === width && canvas.height === height;
    },
    [width, height] as const,
  );
}

/** The canvas as a PNG file, once something is on it and what came before has been painted. */
export async function canvasOf(page: Page): Promise<Buffer> {
  const address = await page.evaluate(async () => {
    const screen = () => new Promise((resolve) => requestAnimationFrame(resolve));
    // What was drawn is painted in the next frame of the screen.
    await screen();
    for (;;) {
      await screen();
      const canvas = document.querySelector<HTMLCanvasElement>(".stage canvas");
      if (!canvas) continue;
      const { width, height } = canvas;
      const copy = new OffscreenCanvas(width, height).getContext("2d");
      copy?.drawImage(canvas, 0, 0);
      const data = copy?.getImageData(0, 0, width, height).data ?? [];
      if (data.some((value) => value > 0)) return canvas.toDataURL("image/png");
    }
  });
  return Buffer.from(address.slice(address.indexOf(",") + 1), "base64");
}

/** The points of a PNG file, read on any page. */
export async function pointsOf(blank: Page, file: Buffer): Promise<Points> {
  const { width, height, data } = await blank.evaluate(async (file) => {
    const image = new Image();
    image.src = `data:image/png;base64,${file}`;
    await image.decode();
    const { width, height } = image;
    const context = new OffscreenCanvas(width, height).getContext("2d");
    if (context === null) throw new Error("there is no canvas");
    context.drawImage(image, 0, 0);
    const { data } = context.getImageData(0, 0, width, height);
    let text = "";
    for (const value of data) text += String.fromCharCode(value);
    return { width, height, data: btoa(text) };
  }, file.toString("base64"));
  return { width, height, data: Buffer.from(data, "base64") };
}

/** What is painted. */
export function inkOf({ width, height, data }: Points): Ink {
  const ink = { left: width, top: height, right: 0, bottom: 0 };
  const colors = new Set<string>();
  for (let at = 0; at < width * height; at += 1) {
    const [red = 0, green = 0, blue = 0, alpha = 0] = data.subarray(4 * at, 4 * at + 4);
    if (alpha === 0) continue;
    const [x, y] = [at % width, Math.floor(at / width)];
    ink.left = Math.min(ink.left, x);
    ink.top = Math.min(ink.top, y);
    ink.right = Math.max(ink.right, x + 1);
    ink.bottom = Math.max(ink.bottom, y + 1);
    const hex = (red * 65536 + green * 256 + blue).toString(16).padStart(6, "0");
    if (alpha === 255) colors.add(`#${hex}`);
  }
  return { ...ink, colors: [...colors].sort() };
}

/** In words, which points are different; null if every point is the same. */
export function difference(one: Points, other: Points): string | null {
  return compared(one, other, (at) => pointAt(one, at) === pointAt(other, at));
}

/**
 * In words, what is elsewhere or of another colour; null if nothing is but what two ways to paint the
 * same may differ in.
 *
 * Each point must have a colour from among those within one point of its place in the other picture,
 * both ways round: so edges are at most one point apart, and nothing thicker is missing or too much.
 * Where neither picture has more than one colour around a place, it is the same, but for `ROUNDING`.
 * At an edge colours may lie beyond by `EDGE`, a quarter of a point: a graphics card takes four samples
 * of each and knows only quarters, a canvas takes the area.
 */
export function strayed(one: Points, other: Points): string | null {
  return compared(one, other, (at) => near(one, other, at) && near(other, one, at));
}

const ROUNDING = 2;
const EDGE = 256 / 4;

function near(one: Points, other: Points, at: number): boolean {
  const places = neighbours(other, at);
  return painted(one, at).every((value, channel) => {
    const range = (points: Points) => {
      const values = places.map((place) => painted(points, place)[channel] ?? 0);
      return { least: Math.min(...values), most: Math.max(...values) };
    };
    const [own, { least, most }] = [range(one), range(other)];
    const edge = Math.max(own.most - own.least, most - least) > ROUNDING;
    const slack = edge ? EDGE : ROUNDING;
    return value >= least - slack && value <= most + slack;
  });
}

/** The places within one point of this one, itself among them. */
function neighbours({ width, height }: Points, at: number): number[] {
  const [x, y] = [at % width, Math.floor(at / width)];
  return [-1, 0, 1].flatMap((dy) =>
    [-1, 0, 1]
      .filter((dx) => x + dx >= 0 && x + dx < width && y + dy >= 0 && y + dy < height)
      .map((dx) => at + dy * width + dx),
  );
}

/** A point's colour as far as it covers what is below: none where it is transparent. */
function painted({ data }: Points, at: number): number[] {
  const [red = 0, green = 0, blue = 0, alpha = 0] = data.subarray(4 * at, 4 * at + 4);
  return [...[red, green, blue].map((value) => (value * alpha) / 255), alpha];
}

function pointAt({ data }: Points, at: number): string {
  return data.subarray(4 * at, 4 * at + 4).join();
}

function compared(one: Points, other: Points, alike: (at: number) => boolean): string | null {
  const size = ({ width, height }: Points) => `${width} by ${height}`;
  if (size(one) !== size(other)) return `${size(one)}, and ${size(other)}`;
  const points = Array.from({ length: one.width * one.height }, (_, at) => at);
  const different = points.filter((at) => !alike(at));
  const [first] = different;
  if (first === undefined) return null;
  const place = `${first % one.width}, ${Math.floor(first / one.width)}`;
  const colors = `${pointAt(one, first)}, and ${pointAt(other, first)}`;
  return `${different.length} points differ, the first at ${place}: ${colors}`;
}
