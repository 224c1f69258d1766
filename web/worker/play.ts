import type { Asset } from "../src/generated/Asset";
import type { EpisodePlan } from "../src/generated/EpisodePlan";
import type { Status } from "../src/generated/Status";
import type { WorkerMessage } from "../src/messages";
import { eventTime, toAbsolute } from "./clock";
import type { Engine, Episode, Outbox } from "./engine";
import { KeyTrace } from "./key-trace";
import type { Links } from "./links";

/** The status goes to the page this often, and at once when something in it cannot wait. */
const STATUS_MS = 100;
/** Frames that a late worker makes up for before it looks at its mail again. */
const CATCH_UP = 8;
/** Uploads are collected at least this often, also when no frame is due. */
const UPLOAD_MS = 100;

export interface PlayHandlers {
  post(message: WorkerMessage): void;
  /** Something may be in the outbox. */
  handleUploads(): void;
  /** The engine broke; nothing here can go on. */
  handleCrash(error: unknown): void;
}

/** Plays one episode: calls the engine when a frame is due and carries bytes between it and the rest. */
export class Play {
  readonly #episode: Episode;
  readonly #keys: KeyTrace;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #postedStatus = { text: "", at: Number.NEGATIVE_INFINITY, urgent: "" };
  #stopped = false;

  constructor(
    engine: Engine,
    readonly plan: EpisodePlan,
    me: number,
    incarnation: number,
    startsInMs: number,
    private readonly links: Links,
    private readonly outbox: Outbox,
    private readonly handlers: PlayHandlers,
  ) {
    const startAt = performance.now() + startsInMs;
    this.#episode = engine.createEpisode(plan, me, incarnation, startAt);
    this.#keys = new KeyTrace(plan.input_delay);
    handlers.post({
      type: "episode",
      session: plan.session,
      episode: plan.episode,
      startsAt: toAbsolute(startAt),
      assets: JSON.parse(this.#episode.assets()) as Asset[],
    });
    this.#guard(() => {
      this.#draw(0);
      this.#schedule();
    });
  }

  handleKey(key: string, down: boolean, at: number): void {
    this.#guard(() => {
      const time = eventTime(at, performance.now());
      this.#episode.key(key, down, time);
      this.#keys.handleKey(at);
    });
  }

  releaseKeys(at: number): void {
    this.#guard(() => this.#episode.release_keys(eventTime(at, performance.now())));
  }

  setVisible(visible: boolean, at: number): void {
    this.#guard(() => this.#episode.set_visible(visible, eventTime(at, performance.now())));
  }

  handlePacket(from: number, bytes: Uint8Array): void {
    this.#guard(() => this.#episode.handle_packet(from, bytes, performance.now()));
  }

  packetSkipped(to: number): void {
    this.#guard(() => this.#episode.packet_skipped(to));
  }

  recordKeyLatency(microseconds: number): void {
    this.#guard(() => this.#episode.record_key_latency(microseconds));
  }

  redraw(): void {
    this.#guard(() => this.#post(this.#episode.redraw(), null));
  }

  /** The server is about to cut: play stops and everything goes out. */
  flush(): void {
    this.#guard(() => {
      this.#episode.flush(performance.now());
      this.#collect();
      this.#postStatus(performance.now(), true);
    });
  }

  /** The server closed the episode. What it still holds for upload is taken out first. */
  stop(): void {
    if (this.#stopped) return;
    this.#guard(() => this.#collect());
    this.#end();
  }

  #end(): void {
    if (this.#stopped) return;
    this.#stopped = true;
    clearTimeout(this.#timer);
    this.#episode.free();
  }

  #beat(): void {
    this.#guard(() => {
      let now = performance.now();
      for (let made = 0; made < CATCH_UP && this.#episode.next_tick_at(now) <= now; made += 1) {
        this.#episode.tick(now);
        this.#send();
        now = performance.now();
      }
      const status = this.#postStatus(now, false);
      this.#keys.handleTick(status.frame);
      this.#draw(status.frame);
      this.#collect();
      this.#schedule();
    });
  }

  #schedule(): void {
    const now = performance.now();
    const pause = Math.min(UPLOAD_MS, Math.max(0, this.#episode.next_tick_at(now) - now));
    this.#timer = setTimeout(() => this.#beat(), Math.ceil(pause));
  }

  #send(): void {
    for (;;) {
      const packet = this.#episode.poll_packet();
      if (packet === undefined) return;
      const to = packet.to;
      const bytes = packet.bytes;
      packet.free();
      if (this.links.send(to, bytes) === "skipped") this.#episode.packet_skipped(to);
    }
  }

  #collect(): void {
    let some = false;
    while (this.#episode.poll_upload(performance.now(), this.outbox)) some = true;
    if (some) this.handlers.handleUploads();
  }

  #draw(frame: number): void {
    this.#post(this.#episode.draw(), this.#keys.shownAt(frame));
  }

  #post(delta: string, keyAt: number | null): void {
    if (delta !== "") this.handlers.post({ type: "draw", delta, keyAt });
  }

  #postStatus(now: number, force: boolean): Status {
    const text = this.#episode.status();
    const status = JSON.parse(text) as Status;
    const urgent = JSON.stringify([
      status.scores,
      status.stalled_by,
      status.sealed,
      status.flushed,
      status.desync_at,
    ]);
    const posted = this.#postedStatus;
    const due = now - posted.at >= STATUS_MS && text !== posted.text;
    if (force || due || urgent !== posted.urgent) {
      this.#postedStatus = { text, at: now, urgent };
      this.handlers.post({ type: "status", status });
    }
    return status;
  }

  /** An error that comes out of the module means that its state can no longer be trusted. */
  #guard(work: () => void): void {
    if (this.#stopped) return;
    try {
      work();
    } catch (error) {
      this.#stopped = true;
      clearTimeout(this.#timer);
      this.handlers.handleCrash(error);
    }
  }
}
