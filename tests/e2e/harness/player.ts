import { type Browser, type BrowserContext, chromium, expect, type Page } from "@playwright/test";
import { ARGUMENTS, type Graphics, pretendCard } from "./graphics";
import { type Condition, Network } from "./network";
import { CHROMIUM } from "./program";
import { Random } from "./random";

/** Starts Debian's Chromium; without these flags it asks hosts that are not there. */
export function launch(more: string[] = [], graphics: Graphics = "canvas"): Promise<Browser> {
  return chromium.launch({
    executablePath: CHROMIUM,
    args: [
      ...more,
      ...ARGUMENTS[graphics],
      "--no-sandbox",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
    ],
  });
}

/** One person in a browser profile of their own. */
export class Player {
  readonly name: string;
  /** The tab that they look at. */
  page: Page;
  /** Whatever the page complained about. */
  readonly complaints: string[] = [];
  /** The address of everything it asked for. */
  readonly requests: string[] = [];
  readonly #context: BrowserContext;
  readonly #random: Random;
  #pressing: Promise<void> = Promise.resolve();
  #presses = false;
  #network: Network | null = null;

  readonly #keys: readonly string[];

  private constructor(
    name: string,
    context: BrowserContext,
    page: Page,
    seed: number,
    keys: readonly string[],
  ) {
    this.name = name;
    this.#keys = keys;
    this.#context = context;
    this.page = page;
    this.#random = new Random(seed);
    this.#listen(page);
  }

  #listen(page: Page): void {
    // The page asks whether one really wants to leave a running game.
    page.on("dialog", (dialog) => dialog.accept());
    page.on("console", (message) => {
      if (message.type() === "error" || message.type() === "warning") {
        this.complaints.push(`${message.type()}: ${message.text()} (${message.location().url})`);
      }
    });
    page.on("pageerror", (error) => this.complaints.push(`page error: ${error.message}`));
    page.on("request", (request) => this.requests.push(request.url()));
    page.on("requestfailed", (request) => {
      this.complaints.push(`failed: ${request.url()} ${request.failure()?.errorText ?? ""}`);
    });
  }

  /** `keys` are those of the game. */
  static async arrive(
    browser: Browser,
    index: number,
    keys: readonly string[],
    graphics: Graphics,
  ): Promise<Player> {
    const context = await browser.newContext({ viewport: { width: 1000, height: 720 } });
    if (graphics === "webgl") await context.addInitScript(pretendCard);
    const page = await context.newPage();
    return new Player(`player ${index}`, context, page, 1 + index, keys);
  }

  /** This page's packets travel over such a network; the first time before it connects. */
  async impose(condition: Condition): Promise<void> {
    if (this.#network === null) this.#network = await Network.of(this.page, condition);
    else await this.#network.change(condition);
  }

  /** Opens the study link. */
  async open(url: string): Promise<void> {
    await this.page.goto(url);
    await this.sees("start");
  }

  async reload(): Promise<void> {
    await this.page.reload();
  }

  /** The tab's process dies, and the browser opens the same address again. */
  async crash(): Promise<void> {
    const url = this.page.url();
    const crashed = this.page.waitForEvent("crash");
    // The process that is to answer is the one that dies.
    this.page.goto("chrome://crash").catch(() => {});
    await crashed;
    const dead = this.page;
    await this.anotherTab(url);
    await dead.close();
  }

  /** Opens an address in another tab of the same browser, and looks at that one from now on. */
  async anotherTab(url: string = this.page.url()): Promise<Page> {
    const before = this.page;
    this.page = await this.#context.newPage();
    this.#listen(this.page);
    await this.page.goto(url);
    return before;
  }

  /** A number that the page tells about itself, such as the frame that it shows. */
  async tells(name: string): Promise<number> {
    return Number(await this.page.locator("html").getAttribute(`data-${name}`));
  }

  /** Waits until such a number is at least so great. */
  async reaches(name: string, least: number): Promise<void> {
    await this.page.waitForFunction(
      ([name, least]) => Number(document.documentElement.dataset[name]) >= least,
      [name, least] as const,
      { timeout: 60_000 },
    );
  }

  /** Goes through the first pages until the game can be joined. */
  async getReady(): Promise<void> {
    await this.page.locator("#advance").click();
    await this.sees("instructions");
    await expect(this.page.locator("#join")).toBeEnabled({ timeout: 120_000 });
  }

  /** Goes through the first pages into the lobby. */
  async join(): Promise<void> {
    await this.getReady();
    await this.enter();
  }

  /** From the page with the instructions, when the game can be joined. */
  async enter(): Promise<void> {
    await this.page.locator("#join").click();
    // A short lobby may be over before a busy machine looks.
    await this.sees("lobby", "connecting", "validating", "playing", "end");
  }

  /** Opens the study link as somebody new; how many ms it takes until the game can be joined. */
  async timesToJoin(url: string): Promise<number> {
    const began = performance.now();
    await this.page.goto(url);
    await this.getReady();
    return performance.now() - began;
  }

  /** How fast the episode goes that is being played, from now until its end. */
  framesPerSecond(): Promise<number> {
    return this.page.evaluate(
      () =>
        new Promise<number>((resolve) => {
          const { dataset } = document.documentElement;
          const { episode } = dataset;
          const seen = () => ({ frame: Number(dataset.frame), at: performance.now() });
          const first = seen();
          let last = first;
          const observer = new MutationObserver(() => {
            if (
              dataset.view === "playing" &&
              dataset.episode === episode &&
              dataset.sealed !== "true"
            ) {
              last = seen();
            } else {
              observer.disconnect();
              resolve((1000 * (last.frame - first.frame)) / (last.at - first.at));
            }
          });
          const attributeFilter = ["data-frame", "data-view", "data-episode", "data-sealed"];
          observer.observe(document.documentElement, { attributeFilter });
        }),
    );
  }

  /** Waits until the page shows one of these views. */
  sees(...views: string[]): Promise<void> {
    return this.seesWithin(120_000, ...views);
  }

  async seesWithin(patienceMs: number, ...views: string[]): Promise<void> {
    const view = await this.page
      .waitForFunction(
        (views) => {
          const { view } = document.documentElement.dataset;
          return view !== undefined && views.includes(view) ? view : false;
        },
        // There is no way on from these.
        [...views, "fault", "end"],
        { timeout: patienceMs },
      )
      .then((handle) => handle.jsonValue())
      .catch((error: Error) => `${error.message}\n${this.complaints.join("\n")}`);
    const shown = await this.page.locator("main").innerText();
    const waits = `${this.name} waits for ${views.join(" or ")}; the page shows: ${shown}`;
    expect(views, waits).toContain(view);
  }

  /** Waits until an episode of this index is being played and its first frames are drawn. */
  async plays(episode: number): Promise<void> {
    await this.page.waitForFunction(
      ([episode]) => {
        const { view, episode: current, frame } = document.documentElement.dataset;
        return view === "playing" && Number(current) >= episode && Number(frame) > 10;
      },
      [episode] as const,
      { timeout: 120_000 },
    );
  }

  /** Waits until packets to or from this page go through the server. */
  async relays(): Promise<void> {
    await this.page.waitForFunction(
      () => document.documentElement.dataset.relayed === "true",
      null,
      { timeout: 60_000 },
    );
  }

  /** Tells a module that is built with fault injection where to flip one bit of the state. */
  async flipAt(frame: number): Promise<void> {
    const [worker] = this.page.workers();
    if (worker === undefined) throw new Error("the page has no worker");
    await worker.evaluate((frame) => {
      Object.assign(globalThis, { igymFlipAtFrame: frame });
    }, frame);
  }

  /** Begins to press random keys, held for random times, until `rest`. */
  press(): void {
    if (this.#presses) return;
    this.#presses = true;
    this.#pressing = this.#pressRandomly();
  }

  async rest(): Promise<void> {
    this.#presses = false;
    await this.#pressing;
  }

  async leave(): Promise<void> {
    this.#presses = false;
    this.#network?.stop();
    await this.#context.close();
    await this.#pressing;
  }

  /** Each change of a key waits for a number of frames that the page has drawn, not for a time. */
  async #pressRandomly(): Promise<void> {
    try {
      while (this.#presses) {
        const keys = this.#keys.filter(() => this.#random.next() < 0.45);
        for (const key of keys) await this.page.keyboard.down(key);
        await this.#frames(Math.ceil(this.#random.between(2, 12)));
        for (const key of keys) await this.page.keyboard.up(key);
        await this.#frames(Math.ceil(this.#random.between(1, 5)));
      }
    } catch (error) {
      // The page may be closed, or move on to the next one, in the middle of a press.
      if (this.#presses && !this.page.isClosed()) throw error;
    }
  }

  async #frames(count: number): Promise<void> {
    await this.page.evaluate(
      (count) =>
        new Promise<void>((resolve) => {
          let left = count;
          const beat = () => {
            left -= 1;
            if (left <= 0) resolve();
            else requestAnimationFrame(beat);
          };
          requestAnimationFrame(beat);
        }),
      count,
    );
  }
}
