import type { Asset } from "../src/generated/Asset";
import type { EpisodePlan } from "../src/generated/EpisodePlan";
import type { ForeignError } from "../src/generated/ForeignError";
import type { Status } from "../src/generated/Status";
import type { WorkerMessage } from "../src/messages";
import { eventTime, toAbsolute } from "./clock";
import type { Episode, Outbox, Packet } from "./engine";
import { KeyTrace } from "./key-trace";
import type { Sent } from "./links";
import { pixelsOf } from "./pixels";

/** The status goes to the page this often, and at once when something in it cannot wait. */
const STATUS_MS = 100;
/** Ticks that a late worker makes up for, and for how long, before it looks at its mail again. */
const CATCH_UP = 8;
const CATCH_UP_MS = 40;
/** Uploads are collected at least this often, also when no frame is due. */
const UPLOAD_MS = 100;

export interface PlayHandlers {
  post(message: WorkerMessage, transfer?: Transferable[]): void;
  /** Sends over the DataChannel to a partner. */
  sendDirect(to: number, bytes: Uint8Array): Sent;
  /** Sends through the server, now or never. */
  sendRelayed(to: number, plea: boolean, bytes: Uint8Array): Sent;
  /** Something may be in the outbox. */
  handleUploads(): void;
  /** The game itself broke: it raised an error. What was recorded before is in the outbox. */
  handleFailure(error: ForeignError): void;
  /** The engine broke; nothing here can go on. */
  handleCrash(error: unknown): void;
}

/** Plays one episode: calls the engine when a frame is due and carries bytes between it and the rest. */
export class Play {
  readonly #episode: Episode;
  readonly #keys: KeyTrace;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #postedStatus = { text: "", at: Number.NEGATIVE_INFINITY, urgent: "" };
  #rollbacks = 0;
  #failed = false;
  #stopped = false;

  /** `startAt` is when frame 0 is due, or was. */
  constructor(
    episode: Episode,
    readonly plan: EpisodePlan,
    startAt: number,
    private readonly outbox: Outbox,
    private readonly handlers: PlayHandlers,
  ) {
    this.#episode = episode;
    this.#keys = new KeyTrace(plan.input_delay);
    handlers.post({
      type: "episode",
      session: plan.session,
      episode: plan.episode,
      startsAt: toAbsolute(startAt),
      assets: JSON.parse(this.#episode.assets()) as Asset[],
    });
    this.#guard(() => {
      this.#draw(0, false);
      if (!this.#hasFailed()) this.#schedule();
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

  /** A packet that came through the server; `plea` if its sender asks for answers the same way. */
  handleRelayed(from: number, plea: boolean, bytes: Uint8Array): void {
    this.#guard(() => this.#episode.handle_relayed(from, plea, bytes, performance.now()));
  }

  /** The DataChannel to a partner opened or closed. */
  setChannel(to: number, open: boolean): void {
    this.#guard(() => this.#episode.set_channel(to, open, performance.now()));
  }

  packetSkipped(to: number): void {
    this.#guard(() => this.#episode.packet_skipped(to));
  }

  recordKeyLatency(microseconds: number): void {
    this.#guard(() => this.#episode.record_key_latency(microseconds));
  }

  redraw(): void {
    this.#guard(() => this.#post(this.#episode.redraw(), null, false));
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
    this.#guard(() => {
      this.#episode.finish(performance.now());
      this.#collect();
    });
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
      const began = performance.now();
      let now = began;
      for (let made = 0; made < CATCH_UP && now - began < CATCH_UP_MS; made += 1) {
        if (this.#episode.next_tick_at(now) > now) break;
        this.#episode.tick(now);
        this.#send();
        now = performance.now();
      }
      const status = this.#postStatus(now, false);
      const corrects = status.rollbacks > this.#rollbacks;
      this.#rollbacks = status.rollbacks;
      if (status.rejoining) this.#keys.handleCatchUp(status.frame);
      else this.#keys.handleTick(status.frame);
      this.#draw(status.frame, corrects);
      this.#collect();
      if (!this.#hasFailed()) this.#schedule();
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
      const { to } = packet;
      const sent = this.#sendBothWays(packet);
      packet.free();
      if (sent === "skipped") this.#episode.packet_skipped(to);
    }
  }

  /** Which ways is the engine's choice; a packet that went neither was skipped. */
  #sendBothWays({ to, bytes, direct, relay, plea }: Packet): Sent {
    const ways: Sent[] = [];
    if (direct) ways.push(this.handlers.sendDirect(to, bytes));
    if (relay) ways.push(this.handlers.sendRelayed(to, plea, bytes));
    return ways.find((way) => way === "sent") ?? ways.find((way) => way === "skipped") ?? "closed";
  }

  #collect(): void {
    let some = false;
    while (this.#episode.poll_upload(performance.now(), this.outbox)) some = true;
    if (some) this.handlers.handleUploads();
  }

  /** Told once; nothing more can be played. */
  #hasFailed(): boolean {
    if (this.#failed) return true;
    const failure = this.#episode.failure();
    if (failure === undefined) return false;
    this.#failed = true;
    // All that is held is due now; whether it arrived is asked for once the server knows.
    this.#collect();
    this.handlers.handleFailure(JSON.parse(failure) as ForeignError);
    return true;
  }

  #draw(frame: number, corrects: boolean): void {
    this.#post(this.#episode.draw(), this.#keys.shownAt(frame), corrects);
  }

  #post(delta: string, keyAt: number | null, corrects: boolean): void {
    if (delta === "") return;
    const pixels = pixelsOf(delta, () => this.#episode.take_pixels());
    const transfer = pixels ? [pixels.bytes] : [];
    this.handlers.post({ type: "draw", delta, pixels, keyAt, corrects }, transfer);
  }

  #postStatus(now: number, force: boolean): Status {
    const text = this.#episode.status();
    const status = JSON.parse(text) as Status;
    const urgent = JSON.stringify([
      status.scores,
      status.stalled_by,
      status.sealed,
      status.flushed,
      status.rejoining,
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
