/** Games in Python: what has to happen in this worker before one can be played. */

import { PythonError } from "../python/boot";
import type { ClientMessage } from "../src/generated/ClientMessage";
import type { EnvironmentSpec } from "../src/generated/EnvironmentSpec";
import type { Measurement } from "../src/generated/Measurement";
import type { View } from "../src/generated/View";
import type { Loading } from "../src/messages";
import { DownloadError } from "./download";
import { Python, type Runtime } from "./python";

export interface ForeignHandlers {
  handleLoading(loading: Loading | null): void;
  /** The interpreter runs. */
  handleReady(): void;
  /** It could not be fetched: another try may help. */
  handleNotLoaded(error: unknown): void;
}

type Game = Extract<View, { game: unknown }>;

/** What `measure` of a runtime tells, in microseconds. */
interface Costs {
  step_us: number;
  save_us: number;
  load_us: number;
  rollback_10_us: number;
}

/** Whether an environment is in Python: the module knows it as bytes alone. */
export function isForeign({ id }: EnvironmentSpec): boolean {
  return id === "python";
}

/** What an environment in Python is opened with before there is an episode, as JSON. */
export function trialConfiguration({ config }: EnvironmentSpec): string {
  return JSON.stringify(JSON.parse(config).configuration);
}

/** For the researcher: what is wrong, and where. */
export function errorWords(error: unknown): string {
  if (!(error instanceof PythonError)) return String(error);
  const { file, line, message } = error.words;
  return file === null ? message : `${file}:${line ?? "?"}: ${message}`;
}

export class Foreign {
  readonly #python: Python;
  /** Why no game in Python can be played here. */
  #broken: string | null = null;
  /** The scenes whose game was tried here: how fast it is, or why it cannot be played. */
  readonly #tried = new Map<number, Measurement | string>();

  /** Of the study's lock; null for a study without Python. */
  #digest: string | null = null;

  /** By the configuration of the environment. */
  readonly #costs = new Map<string, Measurement>();

  constructor(private readonly handlers: ForeignHandlers) {
    this.#python = new Python({
      handleLoading: (loading) => handlers.handleLoading(loading),
      handleReady: () => {
        handlers.handleLoading(null);
        handlers.handleReady();
      },
      handleFailed: (error) => this.#handleFailed(error),
    });
  }

  /** The interpreter runs. */
  get ready(): boolean {
    return this.#python.ready;
  }

  /**
   * `digest` is that of the study's lock; null for a study without Python. False if this page runs
   * another: the study was changed, and only a new page can play it.
   */
  handleWelcome(digest: string | null): boolean {
    this.#digest = digest;
    return this.#python.digest === null || this.#python.digest === digest;
  }

  /**
   * Python starts on the first page. Before a participant can join a game, it is opened here and its
   * speed is measured; in the lobby too, where another page of theirs joined it.
   */
  follow(view: View): void {
    if (this.#digest !== null && hasTimeFor(view)) this.#python.begin(this.#digest);
    if (!isBefore(view) || view.measured || !isForeign(view.game.environment)) return;
    if (!this.ready || this.#tried.has(view.scene)) return;
    this.handlers.handleLoading({ stage: "trying", bytes: 0, total: 0 });
    try {
      this.#tried.set(view.scene, this.#measure(view.game.environment));
    } catch (error) {
      console.error("the game cannot be played here", error);
      this.#tried.set(view.scene, errorWords(error));
    }
    this.handlers.handleLoading(null);
  }

  /** Whether all is there that the view's game needs of Python. */
  isReadyFor(view: View): boolean {
    if (!("game" in view) || !isForeign(view.game.environment)) return true;
    return this.ready && (!isBefore(view) || view.measured);
  }

  /** What the server has to hear of this page while it shows the view. */
  report(view: View): ClientMessage | null {
    if (!("game" in view) || !isForeign(view.game.environment)) return null;
    const tried = "scene" in view ? this.#tried.get(view.scene) : undefined;
    const broken = typeof tried === "string" ? tried : this.#broken;
    if (broken !== null) return complaint(view, broken);
    if (!isBefore(view) || view.measured || typeof tried !== "object") return null;
    return { type: "measured", scene: view.scene, measurement: tried };
  }

  /** How fast an environment is here, if it was tried. */
  costs({ config }: EnvironmentSpec): Measurement | null {
    return this.#costs.get(config) ?? null;
  }

  /** `configuration` is JSON, without `base`. May throw a `PythonError`. */
  open(configuration: string): Runtime {
    return this.#python.open(configuration);
  }

  #measure(environment: EnvironmentSpec): Measurement {
    const runtime = this.open(trialConfiguration(environment));
    const costs = JSON.parse(runtime.measure()) as Costs | { error: PythonError["words"] };
    console.debug("costs of the game, in microseconds", JSON.stringify(costs));
    if ("error" in costs) throw new PythonError(costs.error);
    const measurement: Measurement = {
      step_us: Math.round(costs.step_us),
      save_us: Math.round(costs.save_us),
      load_us: Math.round(costs.load_us),
      rollback_us: Math.round(costs.rollback_10_us),
    };
    this.#costs.set(environment.config, measurement);
    return measurement;
  }

  #handleFailed(error: unknown): void {
    console.error("Python could not be started", error);
    this.handlers.handleLoading(null);
    if (error instanceof DownloadError) this.handlers.handleNotLoaded(error);
    else this.#broken = errorWords(error);
  }
}

/** To start Python stops this worker for seconds, which partners in another game would feel. */
function hasTimeFor(view: View): boolean {
  if (view.kind === "end") return false;
  const plays = "game" in view && !("scene" in view);
  return !plays || isForeign(view.game.environment);
}

/** A game that this page has not begun, and measures. */
function isBefore(view: View): view is Extract<View, { measured: unknown }> {
  return view.kind === "instructions" || view.kind === "lobby";
}

/** That the view's game cannot be played here. */
function complaint(view: Game, message: string): ClientMessage {
  if ("scene" in view) return { type: "unable", scene: view.scene, message };
  const episode = view.kind === "playing" ? view.plan.episode : 0;
  return { type: "failed", session: view.session.session, episode, frame: 0, message };
}
