/**
 * The participant's worker: the line to the server, the lines to the partners, the engine, time.
 * The page only draws, reads keys and owns what browsers keep on the main thread.
 */

import type { LinkState } from "../src/generated/LinkState";
import type { RefusalCode } from "../src/generated/RefusalCode";
import type { ServerMessage } from "../src/generated/ServerMessage";
import type { View } from "../src/generated/View";
import type { Fault, LinkKey, PageMessage, WorkerMessage } from "../src/messages";
import { ServerDistance } from "./clock";
import { Connection } from "./connection";
import { type Engine, loadEngine, type OpenRuntime, type Outbox } from "./engine";
import { Foreign } from "./foreign";
import { Keeping } from "./keeping";
import { Links } from "./links";
import { type Means, Playing } from "./playing";

/** What the current view asks for is said again this often, until the view shows it was heard. */
const REPEAT_MS = 1000;
/** How long what is there may take to the server after the game broke. */
const DRAIN_MS = 2000;

/** Refusals that ask for patience alone. */
const FOR_NOW: RefusalCode[] = ["storage", "too_fast", "out_of_order"];

/** What is still heard once the page has shown a fault: the fate of uploads. */
const AFTER_FAULT: ServerMessage["type"][] = ["welcome", "ack", "refused"];

/** Why the game's module cannot be used. */
type ModuleFault = Extract<Fault, "engine_not_loaded" | "engine_failed">;

class Participant {
  readonly #connection: Connection;
  readonly #distance = new ServerDistance();
  readonly #keeping: Keeping;
  readonly #links: Links;
  readonly #playing: Playing;
  readonly #foreign: Foreign;
  #identity: { incarnation: number; resumeKey: string } | null = null;
  #view: View | null = null;
  /** When the server sent it, as far as we can tell. */
  #viewSentAt = 0;
  /** The button that was pressed and whose effect is not seen yet. */
  #wish: Extract<PageMessage, { type: "advance" | "join" | "leave" }> | null = null;
  #engine: Engine | null = null;
  #outbox: Outbox | null = null;
  /** What the page found out about each link of the current attempt. */
  readonly #linkStates = new Map<number, LinkState>();
  /** What became of the game's module, where it cannot be used. */
  #broken: ModuleFault | null = null;
  /** What the page knows of it. */
  #ready = false;
  #done = false;

  constructor(
    private readonly token: string,
    private readonly userAgent: string,
  ) {
    this.#links = new Links({
      handlePacket: (peer, bytes) => this.#playing.play?.handlePacket(peer, bytes),
      handleChannel: (link, open) => {
        this.#playing.handleLinks();
        post({ type: "channel", link, open });
      },
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
      handleBytes: (bytes) => this.#handleBytes(bytes),
      handleConnected: (connected) => this.#handleConnected(connected),
    });
    this.#keeping = new Keeping(this.#connection, {
      post,
      handleTakenOver: () => this.#fail("taken_over"),
      handleHopeless: () => this.#handleUploadRefused(),
      handleBroken: (error) => this.#crash(error),
      handleProgress: () => this.#playing.proceed(),
    });
    this.#foreign = new Foreign({
      handleLoading: (loading) => post({ type: "loading", loading }),
      handleReady: () => this.#follow(),
      handleNotLoaded: () => this.#handleBroken("engine_not_loaded"),
    });
    this.#playing = new Playing(
      this.#links,
      this.#connection,
      () => this.#means(),
      () => this.#keeping.uploads.delivered,
      {
        post,
        send: (message) => this.#connection.send(message),
        unsaved: () => this.#keeping.uploads.unsaved,
        handleUploads: () => this.#keeping.uploads.send(),
        handleCrash: (error) => this.#crash(error),
      },
    );
  }

  start(): void {
    this.#connection.start();
    self.addEventListener("online", () => this.#connection.wake());
    setInterval(() => this.#repeat(), REPEAT_MS);
    loadEngine().then(
      (engine) => {
        this.#engine = engine;
        this.#openOutbox();
        this.#tellReady();
        this.#follow();
      },
      (error: unknown) => {
        console.error("the game's module could not be loaded", error);
        this.#handleBroken("engine_not_loaded");
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
        this.#playing.play?.packetSkipped(message.link.peer);
        return;
      case "link":
        if (!this.#links.current(message.link)) return;
        this.#linkStates.set(message.link.peer, message.state);
        this.#reportLink(message.link.peer);
        return;
      case "key":
        this.#playing.play?.handleKey(message.key, message.down, message.at);
        return;
      case "release_keys":
        this.#playing.play?.releaseKeys(message.at);
        return;
      case "visible":
        this.#playing.setVisible(message.visible, message.at);
        return;
      case "redraw":
        if (this.#playing.play) this.#playing.play.redraw();
        else this.#showPreview();
        return;
      case "key_latency":
        this.#playing.play?.recordKeyLatency(message.microseconds);
        return;
    }
  }

  #handleConnected(connected: boolean): void {
    if (!this.#done) post({ type: "connection", connected, rttMs: this.#distance.rttMs });
    if (connected) this.#keeping.uploads.send();
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
        this.#keeping.handleWelcome(message);
        this.#foreign.handleWelcome(message.python);
        post({ type: "welcome", studyTitle: message.study_title });
        return;
      case "view":
        if (this.#view && this.#view.kind !== message.view.kind) void this.#keeping.gather();
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
        this.#keeping.handleAck(message.incarnation, message.seq);
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

  #handleBytes(bytes: Uint8Array): void {
    if (this.#done || !this.#engine) return;
    try {
      this.#playing.handleDelivery(this.#engine.decodeDelivery(bytes));
    } catch (error) {
      console.warn("the server sent what cannot be read", error);
    }
  }

  /** Uploads are numbered within this page load, whose number the server gives. */
  #openOutbox(): void {
    if (this.#outbox || !this.#engine || !this.#identity) return;
    const { incarnation } = this.#identity;
    this.#outbox = this.#engine.createOutbox(incarnation);
    this.#keeping.uploads.attach(this.#outbox, incarnation);
  }

  #means(): Means | null {
    if (!this.#engine || !this.#outbox || !this.#identity) return null;
    const { incarnation } = this.#identity;
    return {
      ...{ engine: this.#engine, outbox: this.#outbox, incarnation, open: this.#open },
      costs: (environment) => this.#foreign.costs(environment),
    };
  }

  /** Opens environments in Python, once it runs. */
  get #open(): OpenRuntime | null {
    return this.#foreign.ready ? (configuration) => this.#foreign.open(configuration) : null;
  }

  #handleRefusal({ refusal }: Extract<ServerMessage, { type: "refused" }>): void {
    const { code, message, upload } = refusal;
    if (code === "unknown_token") {
      this.#fail("unknown_token");
      return;
    }
    if (code === "version" && upload === null) {
      this.#fail("version");
      return;
    }
    // A repeated answer that crossed with the view it led to.
    if (code === "wrong_state" && upload === null) return;
    if (!FOR_NOW.includes(code)) {
      console.warn(`the server refused a message (${code}): ${message}`);
    }
    this.#keeping.uploads.handleRefused(refusal);
    this.#playing.proceed();
  }

  #handleUploadRefused(): void {
    console.error("the server will not take this page's data");
    // The last page tells what a participant needs most; nothing is played any more.
    if (this.#view?.kind !== "end") this.#depart("upload_refused");
  }

  /** Does what the current view asks for. */
  #follow(): void {
    const view = this.#view;
    if (this.#broken && view) this.#handleBroken(this.#broken);
    if (view === null || this.#done) return;
    // The page first: what follows is about the page that the view brings.
    post({ type: "view", view });
    this.#foreign.follow(view);
    this.#tellReady();
    switch (view.kind) {
      case "connecting":
        this.#beginLinks(view.session.session, view.connection.attempt);
        this.#playing.end();
        break;
      case "validating":
        this.#playing.end();
        break;
      case "playing":
        this.#beginLinks(view.session.session, view.connection.attempt);
        this.#playing.follow(view, this.#viewSentAt);
        break;
      case "start":
      case "instructions":
      case "lobby":
      case "end":
        this.#playing.end();
        this.#beginLinks(null, 0);
        this.#showPreview();
        break;
    }
    this.#repeat();
  }

  /** Whether the view's game can begin, when that changes. */
  #tellReady(): void {
    const view = this.#view;
    const ready = this.#engine !== null && (view === null || this.#foreign.isReadyFor(view));
    if (ready === this.#ready) return;
    this.#ready = ready;
    post({ type: "ready", ready });
  }

  /** Each attempt begins with new links to all; the same attempt again changes nothing. */
  #beginLinks(session: string | null, attempt: number): void {
    if (!this.#links.begin(session, attempt)) return;
    this.#linkStates.clear();
    this.#playing.handleLinks();
  }

  /** The picture on the page of instructions. */
  #showPreview(): void {
    const view = this.#view;
    if (view?.kind !== "instructions" || !this.#engine || !this.#foreign.isReadyFor(view)) return;
    try {
      const { delta, pixels } = this.#engine.preview(view.game.environment, this.#open);
      const transfer = pixels ? [pixels.bytes] : [];
      post({ type: "draw", delta, pixels, keyAt: null, corrects: false }, transfer);
    } catch (error) {
      console.warn("there is no picture of the game", error);
    }
  }

  /** Control messages are not queued: what the view still waits for is said again. */
  #repeat(): void {
    const view = this.#view;
    if (view === null || this.#done) return;
    const report = this.#foreign.report(view);
    if (report) this.#connection.send(report);
    if (this.#wish?.type === "leave") {
      if (view.kind !== "end") this.#connection.send(this.#wish);
    } else if (view.kind === "start" || view.kind === "instructions") {
      if (this.#wish?.scene === view.scene) this.#connection.send(this.#wish);
    } else if (view.kind === "connecting" || view.kind === "playing") {
      for (const [peer, state] of this.#linkStates) {
        const told = view.connection.linked.includes(peer);
        if (state.kind === "failed" || !told) this.#reportLink(peer);
      }
      this.#playing.proceed();
      this.#playing.repeat();
    } else if (view.kind === "validating" && !view.validated && this.#engine && this.#ready) {
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
    this.#keeping.uploads.send();
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
    this.#handleBroken("engine_failed");
  }

  /**
   * The last page tells what a participant needs most, the code: it stays, and needs no module.
   * Which page it is may be known only later.
   */
  #handleBroken(fault: ModuleFault): void {
    this.#broken = fault;
    if (this.#view === null || this.#view.kind === "end") this.#keeping.uploads.abandon();
    else if (fault === "engine_failed") this.#depart(fault);
    else this.#fail(fault);
  }

  /** As `#fail`, but what is there is handed over first, and no partner is left waiting. */
  #depart(fault: Fault): void {
    const view = this.#view;
    if (!this.#giveUp(fault)) return;
    this.#keeping.uploads.drain(DRAIN_MS).then(() => {
      const partners = view !== null && "session" in view && view.session.players > 1;
      if (partners) this.#connection.send({ type: "leave" });
      this.#connection.stop();
    });
  }

  #fail(fault: Fault): void {
    if (!this.#giveUp(fault)) return;
    this.#keeping.uploads.abandon();
    this.#connection.stop();
  }

  /** False if that was done before. */
  #giveUp(fault: Fault): boolean {
    if (this.#done) return false;
    this.#done = true;
    this.#playing.end();
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
