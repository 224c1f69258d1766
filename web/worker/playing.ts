import { PythonError } from "../python/boot";
import type { ClientMessage } from "../src/generated/ClientMessage";
import type { EnvironmentSpec } from "../src/generated/EnvironmentSpec";
import type { EpisodePlan } from "../src/generated/EpisodePlan";
import type { Measurement } from "../src/generated/Measurement";
import type { View } from "../src/generated/View";
import type { WorkerMessage } from "../src/messages";
import { toAbsolute } from "./clock";
import type { Connection } from "./connection";
import type { Delivery, Engine, Episode, OpenRuntime, Outbox } from "./engine";
import { errorWords, isForeign } from "./foreign";
import type { Links } from "./links";
import { Play } from "./play";

/** A page that rejoins says so no more often: an answer is large, and the server counts. */
const ASK_MS = 900;

export type PlayingView = Extract<View, { kind: "playing" }>;

/** How long what was recorded before a game broke may take to the server. */
const FAILED_MS = 5000;

/** What playing needs of the rest of the worker. */
export interface PlayingHandlers {
  post(message: WorkerMessage, transfer?: Transferable[]): void;
  send(message: ClientMessage): boolean;
  /** Uploads that the server has not confirmed. */
  unsaved(): number;
  /** Something may be in the outbox. */
  handleUploads(): void;
  handleCrash(error: unknown): void;
}

/** What this page can play with; each is there before long. */
export interface Means {
  engine: Engine;
  outbox: Outbox;
  incarnation: number;
  /** An environment in Python; null while there is none to be had. */
  open: OpenRuntime | null;
  /** What it costs on this machine, if that is known. */
  costs(environment: EnvironmentSpec): Measurement | null;
}

/** Does what the view of a running episode asks of this page: to play, to rejoin, or to close it. */
export class Playing {
  #play: Play | null = null;
  #view: PlayingView | null = null;
  /** When frame 0 of the view's plan is due, or was. */
  #startAt = 0;
  /** The episode whose history this page asked for. */
  #asked: EpisodePlan | null = null;
  #askedAt = Number.NEGATIVE_INFINITY;
  /** The episode for which this page said that it holds nothing more. */
  #flushed: EpisodePlan | null = null;
  /** The episode whose game broke. */
  #failed: { plan: EpisodePlan; error: PythonError; at: number; told: boolean } | null = null;
  #visible = true;

  constructor(
    private readonly links: Links,
    private readonly connection: Connection,
    private readonly means: () => Means | null,
    /** Nothing is left of what earlier pages of the participant kept. */
    private readonly delivered: () => boolean,
    private readonly handlers: PlayingHandlers,
  ) {}

  /** What is being played here. */
  get play(): Play | null {
    return this.#play;
  }

  /** `sentAt` is when the server sent the view. */
  follow(view: PlayingView, sentAt: number): void {
    const { plan } = view;
    this.#view = view;
    this.#startAt = sentAt + view.starts_in_ms;
    if (this.#play && !isSame(this.#play.plan, plan)) this.#stop();
    this.proceed();
    if (view.flush) this.#play?.flush();
  }

  /** The view of the episode is gone. What it still holds for upload is taken out first. */
  end(): void {
    this.#stop();
    this.#view = null;
  }

  /** Does what is due and was not possible before. */
  proceed(): void {
    const [view, means] = [this.#view, this.means()];
    if (view === null || means === null) return;
    const failed = this.#failed !== null && isSame(this.#failed.plan, view.plan);
    if (failed) this.#tellFailure();
    if (this.#play) return;
    const able = !failed && isAble(view, means);
    if (able && view.part === "play") {
      const { engine, incarnation } = means;
      const { plan, session } = view;
      this.#begin(view, means, () =>
        engine.createEpisode(plan, session.player, incarnation, this.#startAt, means.open),
      );
    } else if (this.delivered()) {
      if (view.flush) this.#sayFlushed(view, means);
      else if (able && (!this.#asked || !isSame(this.#asked, view.plan))) this.#ask(view);
    }
  }

  /** Control messages are not queued: what is still waited for is said again. */
  repeat(): void {
    const [view, means] = [this.#view, this.means()];
    if (this.#failed) this.#failed.told = false;
    this.proceed();
    if (view === null || view.flush || this.#play || this.#failed) return;
    if (means !== null && isAble(view, means) && this.delivered()) this.#ask(view);
  }

  /** A binary frame of the server; it is freed here. */
  handleDelivery(delivery: Delivery): void {
    let taken = false;
    try {
      if (delivery.kind === "history") taken = this.#handleHistory(delivery);
      else this.#handleRelayed(delivery);
    } finally {
      if (!taken) delivery.free();
    }
  }

  setVisible(visible: boolean, at: number): void {
    this.#visible = visible;
    this.#play?.setVisible(visible, at);
  }

  /** The links were all made anew, or one changed. */
  handleLinks(): void {
    const view = this.#view;
    if (view === null) return;
    for (let peer = 0; peer < view.session.players; peer += 1) {
      if (peer !== view.session.player) this.#play?.setChannel(peer, this.links.isOpen(peer));
    }
  }

  #ask({ part, plan }: PlayingView): void {
    const now = performance.now();
    if (part !== "rejoin" || now - this.#askedAt < ASK_MS) return;
    this.#asked = plan;
    this.#askedAt = now;
    this.handlers.send({ type: "rejoin", session: plan.session, episode: plan.episode });
  }

  /** Whether an episode took it. */
  #handleHistory(history: Delivery): boolean {
    const [view, means] = [this.#view, this.means()];
    if (view?.part !== "rejoin" || view.flush || means === null || this.#play) return false;
    if (!isAble(view, means)) return false;
    // An answer to a question that was asked before the episode changed.
    const { plan, session } = view;
    if (history.session !== plan.session || history.episode !== plan.episode) return false;
    const { engine, incarnation } = means;
    const startAt = Math.max(performance.now(), this.#startAt);
    this.#begin(view, means, () =>
      engine.rejoinEpisode(plan, session.player, incarnation, startAt, history, means.open),
    );
    return true;
  }

  #handleRelayed(delivery: Delivery): void {
    const { session, from, plea, packet } = delivery;
    if (from === undefined || packet === undefined) return;
    if (session === this.#play?.plan.session) this.#play.handleRelayed(from, plea, packet);
  }

  #begin(view: PlayingView, { engine, outbox, costs }: Means, create: () => Episode): void {
    const { plan, connection, game } = view;
    try {
      const episode = create();
      if (connection.relay_only) episode.set_relay_only();
      if (connection.direct_only) episode.set_direct_only();
      // The group's treatment was not measured: it is the scene's own game with other settings.
      const cost = costs(plan.environment) ?? costs(game.environment);
      if (cost) episode.report_costs(cost.step_us, cost.save_us, cost.load_us);
      this.#play = new Play(episode, plan, this.#startAt, outbox, {
        post: this.handlers.post,
        sendDirect: (to, bytes) => this.links.send(to, bytes),
        sendRelayed: (to, plea, bytes) => {
          const frame = engine.encodeRelay(plan.session, to, plea, bytes);
          return this.connection.sendPacket(frame) ? "sent" : "skipped";
        },
        handleUploads: this.handlers.handleUploads,
        handleFailure: (error) => this.#fail(plan, new PythonError(error)),
        handleCrash: (error) => this.handlers.handleCrash(error),
      });
    } catch (error) {
      if (error instanceof PythonError) this.#fail(plan, error);
      else this.handlers.handleCrash(error);
      return;
    }
    this.handleLinks();
    if (!this.#visible) this.#play.setVisible(false, toAbsolute(performance.now()));
  }

  /** This page has no part in the episode, and brought all that earlier ones kept. */
  #sayFlushed({ plan }: PlayingView, { outbox }: Means): void {
    if (this.#flushed && isSame(this.#flushed, plan)) return;
    this.#flushed = plan;
    outbox.push_flushed(plan.session, plan.episode);
    this.handlers.handleUploads();
  }

  /** The game broke. What it recorded goes first, then the server hears of it and ends the session. */
  #fail(plan: EpisodePlan, error: PythonError): void {
    console.error("the game broke", error.words.details || error.message);
    this.#failed = { plan, error, at: performance.now(), told: false };
    this.handlers.post({ type: "broken_off" });
    this.handlers.handleUploads();
    this.#tellFailure();
  }

  /** Control messages are not queued: it is said again until the session ends. */
  #tellFailure(): void {
    const failed = this.#failed;
    if (failed === null || failed.told) return;
    const waited = performance.now() - failed.at;
    if (this.handlers.unsaved() > 0 && waited < FAILED_MS) return;
    const { plan, error } = failed;
    failed.told = this.handlers.send({
      type: "failed",
      session: plan.session,
      episode: plan.episode,
      frame: error.words.frame ?? 0,
      message: errorWords(error),
    });
  }

  #stop(): void {
    this.#play?.stop();
    this.#play = null;
  }
}

/** Whether this page has all that the view's game is played with. */
function isAble({ plan }: PlayingView, { open }: Means): boolean {
  return open !== null || !isForeign(plan.environment);
}

function isSame(one: EpisodePlan, other: EpisodePlan): boolean {
  return one.session === other.session && one.episode === other.episode;
}
