/** The participant's page: who is here, what the server says, what is shown. */

import type { Status } from "../src/generated/Status";
import type { View } from "../src/generated/View";
import type { Fault, PageMessage, WorkerMessage } from "../src/messages";
import { arrive } from "./arrival";
import { Attention } from "./attention";
import { markView, measureKeyToFrame, tell } from "./diagnostics";
import { Keyboard } from "./keyboard";
import { Mesh } from "./links/mesh";
import { Notice } from "./notice";
import type { Context, Surroundings } from "./pages/page";
import { Screen } from "./screen";
import { Stage } from "./stage";
import { StorageNote } from "./storage-note";
import { absoluteNow } from "./time";

class App {
  readonly #worker = new Worker(new URL("../worker/worker.ts", import.meta.url), {
    type: "module",
    name: "igym",
  });
  readonly #surroundings: Surroundings = {
    connected: false,
    ready: false,
    loading: null,
    unsaved: 0,
  };
  readonly #notice = new Notice();
  readonly #storageNote = new StorageNote();
  readonly #attention = new Attention();
  readonly #mesh = new Mesh((message, transfer) => this.#post(message, transfer));
  readonly #keyboard = new Keyboard({
    handleKey: (key, down, at) => this.#post({ type: "key", key, down, at }),
    releaseKeys: (at) => this.#post({ type: "release_keys", at }),
    handleVisible: (visible, at) => this.#post({ type: "visible", visible, at }),
  });
  readonly #stage = new Stage(
    () => this.#post({ type: "redraw" }),
    () => this.#handlePainted(),
  );
  readonly #screen: Screen;
  /** Key events whose effect is in the picture that is painted next. */
  #keysToPaint: number[] = [];
  /** What was shown by mistake goes to its place in this time. */
  #smoothMs = 0;
  #kind: View["kind"] | "fault" | null = null;

  constructor() {
    const context: Context = {
      actions: {
        advance: (scene) => this.#post({ type: "advance", scene }),
        join: (scene) => this.#post({ type: "join", scene }),
        leave: () => this.#post({ type: "leave" }),
      },
      stage: this.#stage,
      surroundings: this.#surroundings,
    };
    this.#screen = new Screen(context);
    this.#worker.onmessage = (event: MessageEvent<WorkerMessage>) => this.#handle(event.data);
    this.#worker.onerror = (event) => {
      console.error("the worker failed", event.message);
      // With its connections, so that nobody waits for this page.
      this.#worker.terminate();
      this.#surroundings.unsaved = 0;
      if (this.#kind === "end") {
        // The last page tells what a participant needs most, the code: it needs no worker.
        this.#screen.handleSurroundings(this.#surroundings);
        this.#storageNote.handleUnsaved(0);
        this.#notice.close();
        return;
      }
      this.fail(this.#surroundings.ready ? "engine_failed" : "engine_not_loaded");
    };
    window.addEventListener("beforeunload", (event) => {
      // Leaving now would end the game for the partner as well, or lose what is not yet saved.
      if (this.#kind === "playing" || this.#surroundings.unsaved > 0) event.preventDefault();
    });
  }

  async start(): Promise<void> {
    const token = await arrive((busy) => this.#notice.handleBusy(busy));
    if (token === null) {
      this.fail("unknown_token");
      return;
    }
    this.#post({ type: "start", token, userAgent: navigator.userAgent.slice(0, 512) });
    if (document.hidden) this.#post({ type: "visible", visible: false, at: absoluteNow() });
  }

  /** What cannot be waited out. */
  fail(fault: Fault): void {
    this.#kind = "fault";
    this.#keyboard.listen(null);
    this.#mesh.close();
    this.#notice.close();
    this.#storageNote.handleView("fault");
    this.#attention.handleView("fault");
    this.#screen.showFault(fault);
    tell({ view: "fault", fault, connected: false });
  }

  #handle(message: WorkerMessage): void {
    switch (message.type) {
      case "connection":
        this.#surroundings.connected = message.connected;
        this.#notice.handleConnected(message.connected);
        this.#screen.handleSurroundings(this.#surroundings);
        tell({
          connected: message.connected,
          rttMs: message.rttMs === null ? null : message.rttMs.toFixed(1),
        });
        return;
      case "welcome":
        this.#screen.setStudyTitle(message.studyTitle);
        this.#attention.title = message.studyTitle;
        return;
      case "ready":
        this.#surroundings.ready = message.ready;
        this.#screen.handleSurroundings(this.#surroundings);
        tell({ engine: message.ready ? "ready" : null });
        return;
      case "loading":
        this.#surroundings.loading = message.loading;
        this.#screen.handleSurroundings(this.#surroundings);
        tell({ loading: message.loading?.stage });
        return;
      case "view":
        this.#handleView(message.view);
        return;
      case "signal":
        this.#mesh.handleSignal(message.link, message.payload);
        return;
      case "channel":
        this.#mesh.handleChannel(message.link, message.open);
        return;
      case "posted_packet":
        this.#mesh.handlePosted(message.link, message.bytes);
        return;
      case "episode":
        this.#screen.handleEpisode(message.startsAt, message.assets);
        this.#keyboard.repeatHeld();
        tell({ episode: message.episode });
        return;
      case "draw":
        if (message.keyAt !== null) this.#keysToPaint.push(message.keyAt);
        this.#stage.apply(message.delta, message.corrects ? this.#smoothMs : 0, message.pixels);
        return;
      case "status": {
        const { status } = message;
        this.#screen.handleStatus(status);
        this.#notice.handlePlaying(goesOn(status));
        tell({
          frame: status.frame,
          confirmed: status.confirmed,
          rollbacks: status.rollbacks,
          sealed: status.sealed,
          rejoining: status.rejoining,
          relayed: status.links.some((link) => link.relayed),
          desyncAt: status.desync_at,
          partnerRttMs: Math.max(0, ...status.links.map((link) => link.rtt_ms)).toFixed(1),
        });
        return;
      }
      case "broken_off":
        this.#screen.handleBrokenOff();
        tell({ brokenOff: true });
        return;
      case "unsaved":
        this.#surroundings.unsaved = message.uploads;
        this.#screen.handleSurroundings(this.#surroundings);
        this.#storageNote.handleUnsaved(message.uploads);
        tell({ unsaved: message.uploads });
        return;
      case "storage":
        this.#storageNote.handleKeeps(message.keeps);
        tell({ keeps: message.keeps });
        return;
      case "fault":
        this.fail(message.fault);
        return;
    }
  }

  #handleView(view: View): void {
    const changed = this.#kind !== view.kind;
    this.#kind = view.kind;
    if (changed) markView(view.kind);
    if (view.kind === "playing") this.#smoothMs = view.game.smoothing_ms;
    const session = "session" in view ? view.session : null;
    tell({
      view: view.kind,
      session: session?.session,
      player: session?.player,
      part: view.kind === "playing" ? view.part : null,
      attempt: "connection" in view ? view.connection.attempt : null,
    });
    // The page first: whatever becomes of the links, it is the one that the server wants shown.
    this.#screen.show(view);
    this.#keyboard.listen(view.kind === "playing" ? view.plan.controls : null);
    if (view.kind !== "playing") this.#notice.handlePlaying(false);
    this.#storageNote.handleView(view.kind);
    this.#attention.handleView(view.kind);
    switch (view.kind) {
      case "connecting":
      case "playing":
        this.#mesh.connect(view);
        break;
      case "validating":
        break;
      case "start":
      case "instructions":
      case "lobby":
      case "end":
        this.#mesh.close();
        break;
    }
  }

  #handlePainted(): void {
    const end = performance.now();
    for (const at of this.#keysToPaint.splice(0)) {
      const start = at - performance.timeOrigin;
      measureKeyToFrame(start, end);
      this.#post({ type: "key_latency", microseconds: Math.round((end - start) * 1000) });
    }
  }

  #post(message: PageMessage, transfer: Transferable[] = []): void {
    this.#worker.postMessage(message, transfer);
  }
}

/** Whether keys do something now. */
function goesOn(status: Status): boolean {
  const { sealed, flushed, rejoining, stalled_by: stalledBy } = status;
  return !sealed && !flushed && !rejoining && stalledBy === null;
}

const app = new App();
app.start().catch((error: unknown) => {
  console.error("the page could not be started", error);
  app.fail("engine_not_loaded");
});
