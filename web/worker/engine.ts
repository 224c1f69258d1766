import init, {
  type Delivery,
  decode_delivery,
  digest_hex,
  Episode,
  encode_relay,
  environment_digest,
  ForeignPreview,
  foreign_configuration,
  Outbox,
  type Packet,
  preview,
} from "#engine/igym_browser.js";
import address from "#engine/igym_browser_bg.wasm?url";
import type { Runtime } from "../python/boot";
import type { EnvironmentSpec } from "../src/generated/EnvironmentSpec";
import type { EpisodePlan } from "../src/generated/EpisodePlan";
import type { Pixels } from "../src/messages";
import { download } from "./download";
import { isForeign, trialConfiguration } from "./foreign";
import { pixelsOf } from "./pixels";

export type { Delivery, Episode, Outbox, Packet };

/** Opens an environment in Python for a configuration. */
export type OpenRuntime = (configuration: string) => Runtime;

export interface Preview {
  /** `DrawDelta` as JSON. */
  delta: string;
  pixels: Pixels | null;
}

/** The WebAssembly module: rollback engine, environments and recorder. */
export interface Engine {
  /** BLAKE3 of the very bytes that run here. */
  readonly buildDigest: string;
  environmentDigest(environment: EnvironmentSpec): string;
  /** How a game looks before it is played. */
  preview(environment: EnvironmentSpec, open: OpenRuntime | null): Preview;
  createOutbox(incarnation: number): Outbox;
  /** `open` makes the environment of a game in Python. */
  createEpisode(
    plan: EpisodePlan,
    me: number,
    incarnation: number,
    startAt: number,
    open: OpenRuntime | null,
  ): Episode;
  /**
   * An episode in which an earlier page of this participant has played. `history` is a delivery,
   * which is taken.
   */
  rejoinEpisode(
    plan: EpisodePlan,
    me: number,
    incarnation: number,
    startAt: number,
    history: Delivery,
    open: OpenRuntime | null,
  ): Episode;
  /** Reads a binary frame of the server. */
  decodeDelivery(bytes: Uint8Array): Delivery;
  /** The binary frame that carries a packet through the server. */
  encodeRelay(session: string, to: number, plea: boolean, packet: Uint8Array): Uint8Array;
}

export async function loadEngine(): Promise<Engine> {
  const bytes = await download(address);
  await init({ module_or_path: bytes });
  return {
    buildDigest: digest_hex(bytes),
    environmentDigest: (environment) => environment_digest(environment.id, environment.config),
    preview(environment, open) {
      if (isForeign(environment)) return foreignPreview(environment, open);
      return { delta: preview(environment.id, environment.config), pixels: null };
    },
    createOutbox: (incarnation) => new Outbox(incarnation),
    createEpisode(plan, me, incarnation, startAt, open) {
      const text = JSON.stringify(plan);
      if (!isForeign(plan.environment)) return new Episode(text, me, incarnation, startAt);
      return Episode.foreign(text, runtimeOf(text, open), me, incarnation, startAt);
    },
    rejoinEpisode(plan, me, incarnation, startAt, history, open) {
      const text = JSON.stringify(plan);
      if (isForeign(plan.environment)) {
        return Episode.foreign(text, runtimeOf(text, open), me, incarnation, startAt, history);
      }
      try {
        return Episode.rejoin(text, me, incarnation, startAt, history);
      } finally {
        history.free();
      }
    },
    decodeDelivery: decode_delivery,
    encodeRelay: encode_relay,
  };
}

function foreignPreview(environment: EnvironmentSpec, open: OpenRuntime | null): Preview {
  if (!open) throw new Error("Python does not run yet");
  const runtime = open(trialConfiguration(environment));
  const preview = new ForeignPreview(environment.config, runtime);
  try {
    return {
      delta: preview.delta,
      pixels: pixelsOf(preview.delta, () => preview.take_pixels()),
    };
  } finally {
    preview.free();
  }
}

function runtimeOf(plan: string, open: OpenRuntime | null): Runtime {
  if (!open) throw new Error("Python does not run yet");
  return open(foreign_configuration(plan));
}
