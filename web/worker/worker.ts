/**
 * The participant's worker: the line to the server, the lines to the partners, the engine, time.
 * The page only draws, reads keys and owns what browsers keep on the main thread.
 */

import type { LinkState } from "../src/generated/LinkState";
import type { ServerMessage } from "../src/generated/ServerMessage";
import type { View } from "../src/generated/View";
import type { Fault, LinkKey, PageMessage, WorkerMessage } from "../src/messages";
import { ServerDistance, toAbsolute } from "./clock";
import { Connection } from "./connection";
import { type Engine, loadEngine, type Outbox } from "./engine";
import { Links } from "./links";
import { Play } from "./play";
import { Uploads } from "./uploads";

/** What the current view asks for is said again this often, until the view shows it was heard. */
const REPEAT_MS = 1000;
/** How long what is there may take to the server after the game broke. */
const DRAIN_MS = 2000;

/** What is still heard once the page has shown a fault: the fate of uploads. */
const AFTER_FAULT: ServerMessage["type"][] = ["welcome", "ack", "refused"];

class Participant {
  readonly #connection: Connection;
  readonly #distance = new ServerDistance();
  readonly #uploads: Uploads;
  readonly #links: Links;
  #identity: { incarnation: number; resumeKey: string } | null = null;
  #view: View | null = null;
  /** When the server sent it, as far as we can tell. */
  #viewSentAt = 0;
  /** The button that was pressed and whose effect is not seen yet. */
  #wish: Extract<PageMessage, { type: "advance" | "join" | "leave" }> | null = null;
  #engine: Engine | null = null;
  #outbox: Outbox | null = null;
  #play: Play | null = null;
  /** What the page found out about each link of the current attempt. */
  readonly #linkStates = new Map<number, LinkState>();
  #visible = true;
  #done = false;

  constructor(
    private readonly token: string,
    private readonly userAgent: string,
  ) {
    this.#links = new Links({
      handlePacket: (peer, bytes) => this.#play?.handlePacket(peer, bytes),
      handleChannel: (link, open) => post({ type: "channel", link, open }),
      post: (link, bytes) => post({ type: "posted_packet", link, bytes }, [bytes]),
    });
    const url = new URL("/ws", self.location.href);
    url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
    this.#connection = new Connection(url.href, {
      hello: () => ({
        type: "hello",
        token: this.token,
        resume: this.#identity && {
          incarnation: this.#identity.incarnation,
          key: this.#identity.resumeKey,
        },
        user_agent: this.userAgent,
      }),
      handleMessage: (message) => this.#handleServer(message),
      handleConnected: (connected) => this.#handleConnected(connected),
    });
    this.#uploads = new Uploads(this.#connection, {
      handleUnsaved: (uploads) => post({ type: "unsaved", uploads }),
      handleBroken: (error) => this.#crash(error),
    });
  }

  start(): void {
    this.#connection.start();
    self.addEventListener("online", () => this.#connection.wake());
    setInterval(() => this.#repeat(), REPEAT_MS);
    loadEngine().then(
      (engine) => {
        this.#engine = engine;
        this.#openOutbox();
        post({ type: "ready" });
        this.#follow();
      },
      (error: unknown) => {
        console.error("the game's module could not be loaded", error);
        this.#fail("engine_not_loaded");
      },
    );
  }

  handlePage(message: Exclude<PageMessage, { type: "start" }>): void {
    switch (message.type) {
      case "advance":
      case "join":
      case "leave":
        this.#wish = message;
        this.#repeat();
        return;
      case "signal":
        if (this.#links.current(message.link)) this.#signal(message.link, message.payload);
        return;
      case "channel":
        this.#links.adopt(message.link, message.channel);
        return;
      case "posted_channel":
        this.#links.adoptPosted(message.link, message.open);
        return;
      case "posted_packet":
        this.#links.handlePostedPacket(message.link, message.bytes);
        return;
      case "posted_packet_skipped":
        this.#play?.packetSkipped(message.link.peer);
        return;
      case "link":
        if (!this.#links.current(message.link)) return;
        this.#linkStates.set(message.link.peer, message.state);
        this.#reportLink(message.link.peer);
        return;
      case "key":
        this.#play?.handleKey(message.key, message.down, message.at);
        return;
      case "release_keys":
        this.#play?.releaseKeys(message.at);
        return;
      case "visible":
        this.#visible = message.visible;
        this.#play?.setVisible(message.visible, message.at);
        return;
      case "redraw":
        if (this.#play) this.#play.redraw();
        else this.#showPreview();
        return;
      case "key_latency":
        this.#play?.recordKeyLatency(message.microseconds);
        return;
    }
  }

  #handleConnected(connected: boolean): void {
    if (!this.#done) post({ type: "connection", connected, rttMs: this.#distance.rttMs });
    if (connected) this.#uploads.send();
  }

  #handleServer(message: ServerMessage): void {
    if (this.#done && !AFTER_FAULT.includes(message.type)) return;
    switch (message.type) {
      case "welcome":
        if (this.#identity && this.#identity.incarnation !== message.incarnation) {
          this.#fail("restart");
          return;
        }
        this.#identity = { incarnation: message.incarnation, resumeKey: message.resume_key };
        this.#openOutbox();
        this.#uploads.handleWelcome(message.acknowledged);
        post({ type: "welcome", studyTitle: message.study_title });
        return;
      case "view":
        this.#view = message.view;
        this.#viewSentAt = this.#distance.sentAt(performance.now());
        this.#follow();
        return;
      case "signal": {
        const { session, attempt, from: peer, payload } = message;
        post({ type: "signal", link: { session, attempt, peer }, payload });
        return;
      }
      case "ack":
        this.#uploads.handleAck(message.incarnation, message.seq);
        return;
      case "pong":
        this.#distance.add(performance.now() - message.sent_ms);
        post({ type: "connection", connected: true, rttMs: this.#distance.rttMs });
        return;
      case "refused":
        this.#handleRefusal(message);
        return;
      case "taken_over":
        this.#fail("taken_over");
        return;
    }
  }

  /** Uploads are numbered within this page load, whose number the server gives. */
  #openOutbox(): void {
    if (this.#outbox || !this.#engine || !this.#identity) return;
    this.#outbox = this.#engine.createOutbox(this.#identity.incarnation);
    this.#uploads.attach(this.#outbox);
  }

  #handleRefusal({ refusal }: Extract<ServerMessage, { type: "refused" }>): void {
    switch (refusal.code) {
      case "unknown_token":
        this.#fail("unknown_token");
        return;
      case "version":
        this.#fail("version");
        return;
      case "storage":
      case "out_of_order":
      case "too_fast":
        this.#uploads.handlePostponed();
        return;
      case "wrong_state":
        // A repeated answer that crossed with the view it led to.
        return;
      case "malformed":
      case "not_a_member":
      case "too_large":
        console.warn(`the server refused a message (${refusal.code}): ${refusal.message}`);
        if (this.#uploads.handleRejected()) this.#handleUploadRefused();
        return;
    }
  }

  /** Uploads are taken in order, so that this one would hold up all others for ever. */
  #handleUploadRefused(): void {
    console.error("the server will not take this page's data");
    this.#uploads.abandon();
    // The last page tells what a participant needs most; nothing is played any more.
    if (this.#view?.kind !== "end") this.#depart("upload_refused");
  }

  /** Does what the current view asks for. */
  #follow(): void {
    const view = this.#view;
    if (view === null || this.#done) return;
    // The page first: what follows is about the page that the view brings.
    post({ type: "view", view });
    switch (view.kind) {
      case "connecting":
        if (this.#links.begin(view.session.session, view.connection.attempt)) this.#linkStates.clear();
        this.#endPlay();
        break;
      case "validating":
        this.#endPlay();
        break;
      case "playing":
        this.#followPlaying(view);
        break;
      case "start":
      case "instructions":
      case "lobby":
      case "end":
        this.#endPlay();
        if (this.#links.begin(null, 0)) this.#linkStates.clear();
        this.#showPreview();
        break;
    }
    this.#repeat();
  }

  #followPlaying(view: Extract<View, { kind: "playing" }>): void {
    const { plan, session, starts_in_ms, flush } = view;
    const current = this.#play?.plan;
    if (current?.session !== plan.session || current.episode !== plan.episode) {
      this.#endPlay();
      if (session.players > 1 && this.#links.key?.session !== session.session) {
        // This page was loaded in the middle of the episode. Inputs up to here were another
        // page's, and nobody may author a frame twice: the server says how it goes on.
        post({ type: "cannot_rejoin" });
        return;
      }
      if (!this.#engine || !this.#outbox || !this.#identity) return;
      try {
        this.#play = new Play(
          this.#engine,
          plan,
          session.player,
          this.#identity.incarnation,
          starts_in_ms - (performance.now() - this.#viewSentAt),
          this.#links,
          this.#outbox,
          {
            post,
            handleUploads: () => this.#uploads.send(),
            handleCrash: (error) => this.#crash(error),
          },
        );
      } catch (error) {
        this.#crash(error);
        return;
      }
      if (!this.#visible) this.#play.setVisible(false, toAbsolute(performance.now()));
    }
    if (flush) this.#play?.flush();
  }

  /** The picture on the page of instructions. */
  #showPreview(): void {
    if (this.#view?.kind !== "instructions" || !this.#engine) return;
    try {
      const delta = this.#engine.preview(this.#view.game.environment);
      post({ type: "draw", delta, keyAt: null });
    } catch (error) {
      console.warn("there is no picture of the game", error);
    }
  }

  #endPlay(): void {
    this.#play?.stop();
    this.#play = null;
  }

  /** Control messages are not queued: what the view still waits for is said again. */
  #repeat(): void {
    const view = this.#view;
    if (view === null || this.#done) return;
    if (this.#wish?.type === "leave") {
      if (view.kind !== "end") this.#connection.send(this.#wish);
    } else if (view.kind === "start" || view.kind === "instructions") {
      if (this.#wish?.scene === view.scene) this.#connection.send(this.#wish);
    } else if (view.kind === "connecting") {
      for (const peer of this.#linkStates.keys()) {
        if (!view.connection.linked.includes(peer)) this.#reportLink(peer);
      }
    } else if (view.kind === "playing") {
      for (const [peer, state] of this.#linkStates) {
        if (state.kind === "failed") this.#reportLink(peer);
      }
    } else if (view.kind === "validating" && !view.validated && this.#engine) {
      this.#connection.send({
        type: "validate",
        session: view.session.session,
        digests: {
          build: this.#engine.buildDigest,
          environment: this.#engine.environmentDigest(view.environment),
          study: view.study_digest,
        },
      });
    }
    this.#uploads.send();
  }

  #signal(link: LinkKey, payload: Extract<PageMessage, { type: "signal" }>["payload"]): void {
    const { session, attempt, peer: to } = link;
    this.#connection.send({ type: "signal", session, to, attempt, payload });
  }

  #reportLink(peer: number): void {
    const state = this.#linkStates.get(peer);
    const key = this.#links.key;
    if (!state || !key) return;
    this.#connection.send({ type: "link", ...key, to: peer, state });
  }

  #crash(error: unknown): void {
    console.error("the game's engine failed", error);
    this.#play = null;
    this.#depart("engine_failed");
  }

  /** As `#fail`, but what is there is handed over first, and no partner is left waiting. */
  #depart(fault: Fault): void {
    const view = this.#view;
    if (!this.#giveUp(fault)) return;
    this.#uploads.drain(DRAIN_MS).then(() => {
      const partners = view !== null && "session" in view && view.session.players > 1;
      if (partners) this.#connection.send({ type: "leave" });
      this.#connection.stop();
    });
  }

  #fail(fault: Fault): void {
    if (!this.#giveUp(fault)) return;
    this.#uploads.abandon();
    this.#connection.stop();
  }

  /** False if that was done before. */
  #giveUp(fault: Fault): boolean {
    if (this.#done) return false;
    this.#done = true;
    this.#endPlay();
    this.#links.begin(null, 0);
    post({ type: "fault", fault });
    return true;
  }
}

function post(message: WorkerMessage, transfer: Transferable[] = []): void {
  self.postMessage(message, { transfer });
}

let participant: Participant | null = null;

self.addEventListener("message", (event: MessageEvent<PageMessage>) => {
  const message = event.data;
  if (message.type !== "start") {
    participant?.handlePage(message);
  } else if (participant === null) {
    participant = new Participant(message.token, message.userAgent);
    participant.start();
  }
});
