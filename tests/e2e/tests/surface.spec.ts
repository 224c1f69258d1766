import { readdir, readFile, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import type { Page } from "@playwright/test";
import {
  canvasOf,
  difference,
  type Ink,
  inkOf,
  type Points,
  pointsOf,
  sizeCanvas,
  strayed,
} from "../harness/canvas";
import { expect, prepareFirst, test } from "../harness/fixtures";
import { GALLERY, PIXELS } from "../harness/games";
import type { Graphics } from "../harness/graphics";

prepareFirst(GALLERY, PIXELS);

/** A picture for each card of studies/gallery; `IGYM_BLESS=1` takes them anew. Look at them then. */
const PICTURES = fileURLToPath(new URL("../pictures/", import.meta.url));
const BLESS = process.env.IGYM_BLESS === "1";
/** Device pixels that one pixel of the gallery's picture takes. */
const SCALE = 2;

for (const graphics of ["canvas", "webgl"] as const) {
  test(`every drawing call looks on ${graphics} as its golden picture does`, async ({
    begin,
  }, info) => {
    const session = await begin({ game: GALLERY, players: 1, graphics });
    const { page } = session.player(0);
    await session.player(0).plays(0);
    await sizeCanvas(page, 120 * SCALE, 80 * SCALE);
    expect(await paintedBy(page)).toBe(graphics);
    const blank = await (await session.browser.newContext()).newPage();
    const taken = new Map<string, Buffer>();
    const texts = new Map<string, Ink>();
    for (let card: string | null = await cardOf(page); card; card = await next(page, card)) {
      const picture = await canvasOf(page);
      const points = await pointsOf(blank, picture);
      // Letters look different with other fonts; where they are and what colour they have does not.
      if (card.startsWith("text")) {
        texts.set(card, inkOf(points));
        continue;
      }
      taken.set(card, picture);
      const file = `${PICTURES}${card}.png`;
      if (BLESS && graphics === "canvas") await writeFile(file, picture);
      const golden = await pointsOf(blank, await readFile(file));
      // What a graphics card makes of it is not the same bits everywhere, only the same picture.
      const different =
        graphics === "canvas" ? difference(points, golden) : strayed(points, golden);
      if (different !== null) await info.attach(`${card}.png`, { body: picture });
      expect.soft(different, `the picture of ${card}, and ${file}`).toBeNull();
    }
    const files = (await readdir(PICTURES)).map((file) => file.replace(/\.png$/, ""));
    expect([...taken.keys()].sort()).toEqual(files.sort());
    // Told in two ways, it is the same picture.
    expect(taken.get("relative_coordinates")).toEqual(taken.get("pixel_coordinates"));
    expectTexts(texts);
    await session.player(0).sees("end");
    expect(session.player(0).complaints).toEqual([]);
  });
}

/** Whose picture the page shows. */
function paintedBy(page: Page): Promise<Graphics> {
  return page
    .locator(".stage canvas")
    .evaluate((canvas: HTMLCanvasElement) => (canvas.getContext("2d") ? "canvas" : "webgl"));
}

/** The name of the card that is shown. */
function cardOf(page: Page): Promise<string> {
  return page.locator(".words").innerText();
}

/** Leafs on; null after the last card. What moves to its place has arrived. */
async function next(page: Page, card: string): Promise<string | null> {
  if (card === "tween") {
    await expectGlide(page);
  } else {
    await page.keyboard.press("ArrowRight");
  }
  const name = await page.waitForFunction((card) => {
    if (document.documentElement.dataset.view === "end") return "end";
    const words = document.querySelector(".words")?.textContent;
    return words !== card && words;
  }, card);
  const shown = await name.jsonValue();
  return shown === "end" ? null : shown || null;
}

/** The next card has the square farther to the right: it goes there, and is on its way meanwhile. */
async function expectGlide(page: Page): Promise<void> {
  const [from, to] = [10 * SCALE, 90 * SCALE];
  const seen = page.evaluate(
    (to) =>
      new Promise<number[]>((resolve) => {
        const edges: number[] = [];
        const look = () => {
          const canvas = document.querySelector<HTMLCanvasElement>(".stage canvas");
          const copy = new OffscreenCanvas(canvas?.width ?? 0, 1).getContext("2d");
          if (canvas) copy?.drawImage(canvas, 0, -80);
          const row = copy?.getImageData(0, 0, copy.canvas.width, 1).data ?? [];
          const edge = [...row].findIndex((value, at) => at % 4 === 3 && value > 0);
          edges.push(Math.floor(edge / 4));
          if (edges.at(-1) === to) resolve(edges);
          else requestAnimationFrame(look);
        };
        look();
      }),
    to,
  );
  await page.keyboard.press("ArrowRight");
  const edges = await seen;
  expect(edges[0]).toBe(from);
  expect(edges).toEqual(edges.toSorted((a, b) => a - b));
  expect(edges.some((edge) => edge > from && edge < to)).toBe(true);
}

/** Drawn at 20, 60 or 100 of 120 pixels, 10 below the top, in 16 or 40 pixels. */
function expectTexts(texts: Map<string, Ink>): void {
  const [left, right, center, large] = ["text", "text_right", "text_center", "text_updated"].map(
    (card) => texts.get(card),
  );
  if (!left || !right || !center || !large) throw new Error(`there are ${[...texts.keys()]}`);
  for (const ink of [left, right, center]) expect(ink.colors).toContain("#c0392b");
  expect(large.colors).toContain("#2980b9");
  expect(large.colors).not.toContain("#c0392b");
  for (const [ink, size] of [
    [left, 16],
    [right, 16],
    [center, 16],
    [large, 40],
  ] as const) {
    expect(ink.top).toBeGreaterThanOrEqual(10 * SCALE);
    expect(ink.bottom).toBeLessThanOrEqual((10 + 1.25 * size) * SCALE);
    expect(ink.bottom - ink.top).toBeGreaterThan((size / 2) * SCALE);
  }
  expect(left.left).toBeGreaterThanOrEqual(20 * SCALE);
  expect(left.left).toBeLessThan((20 + 4) * SCALE);
  expect(right.right).toBeLessThanOrEqual(100 * SCALE);
  expect(right.right).toBeGreaterThan((100 - 4) * SCALE);
  // It is the same on both sides.
  expect(Math.abs(center.left + center.right - 2 * 60 * SCALE)).toBeLessThanOrEqual(2 * SCALE);
  expect([left, right].map((ink) => ink.bottom - ink.top)).toEqual(
    Array(2).fill(center.bottom - center.top),
  );
}

for (const graphics of ["canvas", "webgl"] as const) {
  test(`an array of colours is shown point by point on ${graphics}`, async ({ begin }) => {
    const session = await begin({ game: PIXELS, players: 1, graphics });
    const player = session.player(0);
    await player.plays(0);
    await sizeCanvas(player.page, 8, 4);
    expect(await paintedBy(player.page)).toBe(graphics);
    const blank = await (await session.browser.newContext()).newPage();
    const rows = async () => rowsOf(await pointsOf(blank, await canvasOf(player.page)));
    expect(await rows()).toEqual(Array(4).fill(Array(8).fill("0,0,0,255")));
    for (const columns of [1, 2, 3]) {
      await player.page.keyboard.press("ArrowRight");
      await expect
        .poll(rows)
        .toEqual(
          Array.from({ length: 4 }, (_, row) =>
            Array.from({ length: 8 }, (_, column) =>
              column < columns
                ? [30 * column + 40, 60 * row + 10, 250 - 20 * column, 255].join()
                : "0,0,0,255",
            ),
          ),
        );
    }
    expect(player.complaints).toEqual([]);
  });
}

/** The colours of a picture, row by row. */
function rowsOf({ width, height, data }: Points): string[][] {
  return Array.from({ length: height }, (_, y) =>
    Array.from({ length: width }, (_, x) => {
      const at = 4 * (y * width + x);
      return [...data.subarray(at, at + 4)].join();
    }),
  );
}
