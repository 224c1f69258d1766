import type { Asset } from "../src/generated/Asset";
import type { DrawDelta } from "../src/generated/DrawDelta";
import type { GameView } from "../src/generated/GameView";
import type { Pixels } from "../src/messages";
import { h, setText } from "./dom";
import type { Renderer } from "./renderer";
import { pause } from "./time";

/**
 * The place where the game is shown. It outlives the pages it appears on, and fetches the
 * renderer only when it is first needed: the first page does not wait for it.
 */
export class Stage {
  readonly element = h("div", { class: "stage", role: "img", tabindex: "-1" });
  /** What the game says in words beside its picture. */
  readonly words = h("p", { class: "words", hidden: true });
  readonly #frame = h("div", { class: "stage-frame" }, this.element);
  #renderer: Renderer | null = null;
  #loading: Promise<void> | null = null;
  #assets: readonly Asset[] = [];
  #size = { width: 4, height: 3 };

  constructor(
    /** The renderer stands ready and shows nothing: it needs the whole picture. */
    private readonly handleReady: () => void,
    private readonly handlePainted: () => void,
  ) {
    new ResizeObserver(() => this.#fit()).observe(this.#frame);
    // A window that moves to a finer screen keeps its size.
    window.addEventListener("resize", () => this.#fit());
  }

  /** Fills the space that its parent gives it; the picture keeps its proportions. */
  get frame(): HTMLElement {
    return this.#frame;
  }

  prepare(): void {
    this.#loading ??= this.#load().catch((error: unknown) => {
      console.error("the renderer could not be loaded", error);
      this.#loading = null;
      setTimeout(() => this.prepare(), 2000);
    });
  }

  /** Starts an empty picture. */
  begin(game: GameView, assets: readonly Asset[]): void {
    const { width, height } = game;
    this.prepare();
    this.element.setAttribute("aria-label", game.title);
    this.element.classList.remove("drawn");
    this.#frame.style.setProperty("--proportions", `${width} / ${height}`);
    this.#size = { width, height };
    this.#assets = assets;
    this.#say("");
    this.#renderer?.begin(width, height);
    this.#renderer?.load(assets);
    this.#fit();
  }

  /** `smoothMs`: how long what was shown by mistake takes to its place. */
  apply(delta: string, smoothMs: number, pixels: Pixels | null): void {
    if (this.#renderer === null) return;
    const drawn = JSON.parse(delta) as DrawDelta;
    if (drawn.assets) this.#renderer.load(drawn.assets);
    if (pixels) this.#renderer.showPixels(pixels);
    this.#renderer.apply(drawn, smoothMs);
    if (drawn.hud !== undefined) this.#say(drawn.hud);
    this.element.classList.add("drawn");
  }

  #say(text: string): void {
    setText(this.words, text);
    this.words.hidden = text === "";
  }

  async #load(): Promise<void> {
    // In portions, with a pause after each: no task of this thread may be long.
    await import("./renderer/phaser-first");
    await pause();
    const { createRenderer } = await import("./renderer");
    await pause();
    const renderer = await createRenderer();
    renderer.onPainted = () => this.handlePainted();
    renderer.begin(this.#size.width, this.#size.height);
    renderer.load(this.#assets);
    this.element.append(renderer.canvas);
    this.#renderer = renderer;
    this.#fit();
    this.handleReady();
  }

  #fit(): void {
    const { clientWidth, clientHeight } = this.#frame;
    if (clientWidth === 0 || clientHeight === 0) return;
    const { width, height } = this.#size;
    const scale = Math.min(clientWidth / width, clientHeight / height);
    const shown = { width: Math.floor(width * scale), height: Math.floor(height * scale) };
    this.element.style.width = `${shown.width}px`;
    this.element.style.height = `${shown.height}px`;
    this.#renderer?.resize(shown.width, shown.height, window.devicePixelRatio);
  }
}
