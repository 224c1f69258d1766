import type { ClientMessage } from "../src/generated/ClientMessage";
import type { EpisodePlan } from "../src/generated/EpisodePlan";
import type { View } from "../src/generated/View";
import type { WorkerMessage } from "../src/messages";
import { toAbsolute } from "./clock";
import type { Connection } from "./connection";
import type { Delivery, Engine, Episode, Outbox } from "./engine";
import type { Links } from "./links";
import { Play } from "./play";

/** A page that rejoins says so no more often: an answer is large, and the server counts. */
const ASK_MS = 900;

export type PlayingView = Extract<View, { kind: "playing" }>;

/** What playing needs of the rest of the worker. */
export interface PlayingHandlers {
  post(message: WorkerMessage): void;
  send(message: ClientMessage): void;
  /** Something may be in the outbox. */
  handleUploads(): void;
  handleCrash(error: unknown): void;
}

/** What this page can play with; each is there before long. */
export interface Means {
  engine: Engine;
  outbox: Outbox;
  incarnation: number;
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
    if (view === null || means === null || this.#play) return;
    if (view.part === "play") {
      const { engine, incarnation } = means;
      const { plan, session } = view;
      this.#begin(view, means, () =>
        engine.createEpisode(plan, session.player, incarnation, this.#startAt),
      );
    } else if (this.delivered()) {
      if (view.flush) this.#sayFlushed(view, means);
      else if (!this.#asked || !isSame(this.#asked, view.plan)) this.#ask(view);
    }
  }

  /** Control messages are not queued: what is still waited for is said again. */
  repeat(): void {
    const view = this.#view;
    if (view === null || view.flush || this.#play) return;
    if (this.means() !== null && this.delivered()) this.#ask(view);
  }

  /** A binary frame of the server; it is freed here. */
  handleDelivery(delivery: Delivery): void {
    try {
      if (delivery.kind === "history") this.#handleHistory(delivery);
      else this.#handleRelayed(delivery);
    } finally {
      delivery.free();
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

  #handleHistory(history: Delivery): void {
    const [view, means] = [this.#view, this.means()];
    if (view?.part !== "rejoin" || view.flush || means === null || this.#play) return;
    // An answer to a question that was asked before the episode changed.
    const { plan, session } = view;
    if (history.session !== plan.session || history.episode !== plan.episode) return;
    const { engine, incarnation } = means;
    const startAt = Math.max(performance.now(), this.#startAt);
    this.#begin(view, means, () =>
      engine.rejoinEpisode(plan, session.player, incarnation, startAt, history),
    );
  }

  #handleRelayed(delivery: Delivery): void {
    const { session, from, plea, packet } = delivery;
    if (from === undefined || packet === undefined) return;
    if (session === this.#play?.plan.session) this.#play.handleRelayed(from, plea, packet);
  }

  #begin(view: PlayingView, { engine, outbox }: Means, create: () => Episode): void {
    const { plan, connection } = view;
    try {
      const episode = create();
      if (connection.relay_only) episode.set_relay_only();
      this.#play = new Play(episode, plan, this.#startAt, outbox, {
        post: this.handlers.post,
        sendDirect: (to, bytes) => this.links.send(to, bytes),
        sendRelayed: (to, plea, bytes) => {
          const frame = engine.encodeRelay(plan.session, to, plea, bytes);
          return this.connection.sendPacket(frame) ? "sent" : "skipped";
        },
        handleUploads: this.handlers.handleUploads,
        handleCrash: (error) => this.handlers.handleCrash(error),
      });
    } catch (error) {
      this.handlers.handleCrash(error);
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

  #stop(): void {
    this.#play?.stop();
    this.#play = null;
  }
}

function isSame(one: EpisodePlan, other: EpisodePlan): boolean {
  return one.session === other.session && one.episode === other.episode;
}
