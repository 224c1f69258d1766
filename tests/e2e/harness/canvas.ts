import type { Page } from "@playwright/test";

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
  await inkOf(page);
  const address = await page
    .locator(".stage canvas")
    .evaluate((canvas: HTMLCanvasElement) => canvas.toDataURL("image/png"));
  return Buffer.from(address.slice(address.indexOf(",") + 1), "base64");
}

/** What is painted on the canvas; waits until there is something. */
export async function inkOf(page: Page): Promise<Ink> {
  // What was drawn is painted in the next frame of the screen.
  await page.evaluate(
    () =>
      new Promise<void>((resolve) => {
        requestAnimationFrame(() => requestAnimationFrame(() => resolve()));
      }),
  );
  const found = await page.waitForFunction(() => {
    const canvas = document.querySelector<HTMLCanvasElement>(".stage canvas");
    const context = canvas?.getContext("2d");
    if (!canvas || !context) return null;
    const { data, width, height } = context.getImageData(0, 0, canvas.width, canvas.height);
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
    return ink.right > 0 ? { ...ink, colors: [...colors].sort() } : null;
  });
  return (await found.jsonValue()) as Ink;
}

/** In words, what is different in two PNG files; null if every point is the same. */
export function difference(blank: Page, one: Buffer, other: Buffer): Promise<string | null> {
  return blank.evaluate(
    async (files) => {
      const images = await Promise.all(
        files.map(async (file) => {
          const image = new Image();
          image.src = `data:image/png;base64,${file}`;
          await image.decode();
          const { width, height } = image;
          const context = new OffscreenCanvas(width, height).getContext("2d");
          if (context === null) throw new Error("there is no canvas");
          context.drawImage(image, 0, 0);
          return context.getImageData(0, 0, width, height);
        }),
      );
      const [one, other] = images;
      if (!one || !other) throw new Error("two files are compared");
      const size = ({ width, height }: ImageData) => `${width} by ${height}`;
      if (size(one) !== size(other)) return `${size(one)}, and ${size(other)}`;
      const point = (image: ImageData, at: number) =>
        image.data.subarray(4 * at, 4 * at + 4).join();
      const points = Array.from({ length: one.width * one.height }, (_, at) => at);
      const different = points.filter((at) => point(one, at) !== point(other, at));
      const [first] = different;
      if (first === undefined) return null;
      const place = `${first % one.width}, ${Math.floor(first / one.width)}`;
      const colors = `${point(one, first)}, and ${point(other, first)}`;
      return `${different.length} points differ, the first at ${place}: ${colors}`;
    },
    [one, other].map((file) => file.toString("base64")),
  );
}
