import init, {
  type Delivery,
  decode_delivery,
  digest_hex,
  Episode,
  encode_relay,
  environment_digest,
  Outbox,
  type Packet,
  preview,
} from "#engine/igym_browser.js";
import address from "#engine/igym_browser_bg.wasm?url";
import type { EnvironmentSpec } from "../src/generated/EnvironmentSpec";
import type { EpisodePlan } from "../src/generated/EpisodePlan";
import { Backoff } from "./backoff";

export type { Delivery, Episode, Outbox, Packet };

/** The WebAssembly module: rollback engine, environments and recorder. */
export interface Engine {
  /** BLAKE3 of the very bytes that run here. */
  readonly buildDigest: string;
  environmentDigest(environment: EnvironmentSpec): string;
  /** How a game looks before it is played, as `DrawDelta` JSON. */
  preview(environment: EnvironmentSpec): string;
  createOutbox(incarnation: number): Outbox;
  createEpisode(plan: EpisodePlan, me: number, incarnation: number, startAt: number): Episode;
  /** An episode in which an earlier page of this participant has played; `history` is a delivery. */
  rejoinEpisode(
    plan: EpisodePlan,
    me: number,
    incarnation: number,
    startAt: number,
    history: Delivery,
  ): Episode;
  /** Reads a binary frame of the server. */
  decodeDelivery(bytes: Uint8Array): Delivery;
  /** The binary frame that carries a packet through the server. */
  encodeRelay(session: string, to: number, plea: boolean, packet: Uint8Array): Uint8Array;
}

const TRIES = 5;

export async function loadEngine(): Promise<Engine> {
  const bytes = await download();
  await init({ module_or_path: bytes });
  return {
    buildDigest: digest_hex(new Uint8Array(bytes)),
    environmentDigest: (environment) => environment_digest(environment.id, environment.config),
    preview: (environment) => preview(environment.id, environment.config),
    createOutbox: (incarnation) => new Outbox(incarnation),
    createEpisode: (plan, me, incarnation, startAt) =>
      new Episode(JSON.stringify(plan), me, incarnation, startAt),
    rejoinEpisode: (plan, me, incarnation, startAt, history) =>
      Episode.rejoin(JSON.stringify(plan), me, incarnation, startAt, history),
    decodeDelivery: decode_delivery,
    encodeRelay: encode_relay,
  };
}

/** A participant's network may fail for a moment; five times in a row it is no moment. */
async function download(): Promise<ArrayBuffer> {
  const backoff = new Backoff();
  for (let tried = 1; ; tried += 1) {
    try {
      const response = await fetch(address);
      if (!response.ok) throw new Error(`the server answered ${response.status}`);
      return await response.arrayBuffer();
    } catch (error) {
      if (tried === TRIES) throw error;
      await new Promise((resolve) => setTimeout(resolve, backoff.next(Math.random())));
    }
  }
}
