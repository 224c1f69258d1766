import type { RefusalCode } from "../src/generated/RefusalCode";
import type { ServerMessage } from "../src/generated/ServerMessage";
import type { View } from "../src/generated/View";
import type { LinkKey, PageMessage, WorkerMessage } from "../src/messages";
import { Asking } from "./asking";
import { ServerDistance } from "./clock";
import { Connection } from "./connection";
import { Ending } from "./ending";
import { type Engine, loadEngine, type OpenRuntime, type Outbox } from "./engine";
import { Foreign } from "./foreign";
import { Keeping } from "./keeping";
import { Links } from "./links";
import { type Means, Playing } from "./playing";

/** Tells the page. */
type Post = (message: WorkerMessage, transfer?: Transferable[]) => void;

/** What the current view asks for is said again this often, until the view shows it was heard. */
const REPEAT_MS = 1000;
/** Refusals that ask for patience alone. */
const FOR_NOW: RefusalCode[] = ["storage", "too_fast", "out_of_order"];

/** What is still heard once the page has shown a fault: the fate of uploads. */
const AFTER_FAULT: ServerMessage["type"][] = ["welcome", "ack", "refused"];

/** The participant as this page has them: what the server says and the page does, and what follows. */
export class Participant {
  readonly #connection: Connection;
  readonly #distance = new ServerDistance();
  readonly #keeping: Keeping;
  readonly #links: Links;
  readonly #playing: Playing;
  readonly #foreign: Foreign;
  readonly #asking: Asking;
  readonly #ending: Ending;
  #identity: { incarnation: number; resumeKey: string } | null = null;
  #view: View | null = null;
  /** When the server sent it, as far as we can tell. */
  #viewSentAt = 0;
  #engine: Engine | null = null;
  #outbox: Outbox | null = null;
  /** What the page knows of whether the view's game can begin. */
  #ready = false;

  constructor(
    private readonly token: string,
    private readonly userAgent: string,
    private readonly post: Post,
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
      handleTakenOver: () => this.#ending.fail("taken_over"),
      handleHopeless: () => this.#ending.handleUploadRefused(),
      handleBroken: (error) => this.#ending.handleCrash(error),
      handleProgress: () => this.#playing.proceed(),
    });
    this.#ending = new Ending(this.#connection, this.#keeping.uploads, {
      post,
      view: () => this.#view,
      handleEnd: () => {
        this.#playing.end();
        this.#links.begin(null, 0);
      },
    });
    this.#asking = new Asking(this.#connection, this.#links);
    this.#foreign = new Foreign({
      handleLoading: (loading) => post({ type: "loading", loading }),
      handleReady: () => this.#follow(),
      handleNotLoaded: () => this.#ending.handleBroken("engine_not_loaded"),
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
        handleCrash: (error) => this.#ending.handleCrash(error),
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
        this.#ending.handleBroken("engine_not_loaded");
      },
    );
  }

  handlePage(message: Exclude<PageMessage, { type: "start" }>): void {
    switch (message.type) {
      case "advance":
      case "join":
      case "leave":
        this.#asking.press(message);
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
        if (this.#links.current(message.link)) {
          this.#asking.handleLink(message.link, message.state);
        }
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
    if (!this.#ending.done)
      this.post({ type: "connection", connected, rttMs: this.#distance.rttMs });
    if (connected) this.#keeping.uploads.send();
  }

  #handleServer(message: ServerMessage): void {
    if (this.#ending.done && !AFTER_FAULT.includes(message.type)) return;
    switch (message.type) {
      case "welcome":
        if (this.#identity && this.#identity.incarnation !== message.incarnation) {
          this.#ending.fail("restart");
          return;
        }
        this.#identity = { incarnation: message.incarnation, resumeKey: message.resume_key };
        this.#openOutbox();
        this.#keeping.handleWelcome(message);
        if (!this.#foreign.handleWelcome(message.python) && this.#view?.kind !== "end") {
          this.#ending.fail("version");
          return;
        }
        this.post({ type: "welcome", studyTitle: message.study_title });
        return;
      case "view":
        if (this.#view && this.#view.kind !== message.view.kind) void this.#keeping.gather();
        this.#view = message.view;
        this.#viewSentAt = this.#distance.sentAt(performance.now());
        this.#follow();
        return;
      case "signal": {
        const { session, attempt, from: peer, payload } = message;
        this.post({ type: "signal", link: { session, attempt, peer }, payload });
        return;
      }
      case "ack":
        this.#keeping.handleAck(message.incarnation, message.seq);
        return;
      case "pong":
        this.#distance.add(performance.now() - message.sent_ms);
        this.post({ type: "connection", connected: true, rttMs: this.#distance.rttMs });
        return;
      case "refused":
        this.#handleRefusal(message);
        return;
      case "taken_over":
        this.#ending.fail("taken_over");
        return;
    }
  }

  #handleBytes(bytes: Uint8Array): void {
    if (this.#ending.done || !this.#engine) return;
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
      this.#ending.fail("unknown_token");
      return;
    }
    if (code === "version" && upload === null) {
      this.#ending.fail("version");
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

  /** Does what the current view asks for. */
  #follow(): void {
    const view = this.#view;
    this.#ending.follow();
    if (view === null || this.#ending.done) return;
    // The page first: what follows is about the page that the view brings. To measure a game stops
    // this worker for a while, in which no button may promise what is not ready.
    this.#tellReady();
    this.post({ type: "view", view });
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
    this.post({ type: "ready", ready });
  }

  /** Each attempt begins with new links to all; the same attempt again changes nothing. */
  #beginLinks(session: string | null, attempt: number): void {
    if (!this.#links.begin(session, attempt)) return;
    this.#asking.forgetLinks();
    this.#playing.handleLinks();
  }

  /** The picture on the page of instructions. */
  #showPreview(): void {
    const view = this.#view;
    if (view?.kind !== "instructions" || !this.#engine || !this.#foreign.isReadyFor(view)) return;
    try {
      const { delta, pixels } = this.#engine.preview(view.game.environment, this.#open);
      const transfer = pixels ? [pixels.bytes] : [];
      this.post({ type: "draw", delta, pixels, keyAt: null, corrects: false }, transfer);
    } catch (error) {
      console.warn("there is no picture of the game", error);
    }
  }

  /** Says and does again what the view still waits for. */
  #repeat(): void {
    const view = this.#view;
    if (view === null || this.#ending.done) return;
    const report = this.#foreign.report(view);
    if (report) this.#connection.send(report);
    if (this.#asking.repeat(view)) this.#proceed(view);
    this.#keeping.uploads.send();
  }

  #proceed(view: View): void {
    if (view.kind === "connecting" || view.kind === "playing") {
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
  }

  #signal(link: LinkKey, payload: Extract<PageMessage, { type: "signal" }>["payload"]): void {
    const { session, attempt, peer: to } = link;
    this.#connection.send({ type: "signal", session, to, attempt, payload });
  }
}
