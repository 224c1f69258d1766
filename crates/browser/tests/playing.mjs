// Two peers that play a plan over a lossy network of the test's own.

import assert from "node:assert/strict";

import { igym } from "./module.mjs";

export const PLAN = {
  session: "00000000-0000-0000-0000-000000000007",
  episode: 0,
  episodes: 1,
  seed: 42,
  environment: { id: "slime_volleyball", version: "1", config: '{"max_lives":50}' },
  seats: [
    { participant: "00000000-0000-0000-0000-000000000001", agents: ["agent_left"] },
    { participant: "00000000-0000-0000-0000-000000000002", agents: ["agent_right"] },
  ],
  frames_per_second: 30,
  input_delay: 2,
  window_ms: 500,
  max_steps: 300,
  digest_interval: 1,
  prediction: "repeat_last",
  controls: {
    mode: "held_keys",
    bindings: [
      { keys: ["ArrowLeft", "ArrowUp"], action: 2, label: "Jump left" },
      { keys: ["ArrowLeft"], action: 1, label: "Left" },
      { keys: ["ArrowUp"], action: 3, label: "Jump" },
      { keys: ["ArrowRight"], action: 5, label: "Right" },
    ],
    default_action: 0,
  },
  digests: { build: "b", environment: "e", study: "s" },
};

const KEYS = ["ArrowLeft", "ArrowUp", "ArrowRight"];

/** A small seeded generator of numbers from 0 to 1 (mulberry32). */
function generator(seed) {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** The module reads the frame to err at when an episode is made, so two in one scope can differ. */
export function flipping(flip, make) {
  globalThis.igymFlipAtFrame = flip;
  return make();
}

/** Plays the episodes that `make` makes for both players to their end, or until `over`. */
export function play(seed, make, over = () => false) {
  const random = generator(seed);
  const peers = [0, 1].map((me) => ({
    episode: make(me),
    outbox: new igym.Outbox(1),
    held: new Set(),
    drawn: 0,
    uploaded: 0,
  }));
  const flights = [];
  let now = 0;
  const sealed = (peer) => JSON.parse(peer.episode.status()).sealed;
  for (; !peers.every(sealed) && !over(peers); now += 1) {
    assert.ok(now < 60_000, "the episode ends");
    for (const flight of flights.filter((flight) => flight.at <= now)) {
      flights.splice(flights.indexOf(flight), 1);
      const taken = peers[flight.to].episode.handle_packet(flight.from, flight.bytes, now);
      assert.ok(taken, "peers send good packets");
    }
    peers.forEach((peer, me) => {
      if (random() < 0.005) {
        const key = KEYS[Math.floor(random() * KEYS.length)];
        const down = !peer.held.has(key);
        peer.held[down ? "add" : "delete"](key);
        peer.episode.key(key, down, now);
      }
      if (peer.episode.next_tick_at(now) > now) return;
      peer.episode.tick(now);
      if (peer.episode.draw() !== "") peer.drawn += 1;
      for (let packet = peer.episode.poll_packet(); packet; packet = peer.episode.poll_packet()) {
        const { to, bytes } = packet;
        packet.free();
        assert.equal(to, 1 - me);
        if (random() < 0.15) continue;
        flights.push({ at: now + 60 + random() * 60, from: me, to, bytes });
      }
      takeUploads(peer, now);
    });
  }
  return peers;
}

export function takeUploads(peer, now) {
  while (peer.episode.poll_upload(now, peer.outbox)) {}
  for (let bytes = peer.outbox.poll(); bytes; bytes = peer.outbox.poll()) {
    assert.deepEqual([...bytes.slice(0, 4)], [0x49, 0x47, 1, 0]);
    peer.uploaded += 1;
    peer.outbox.ack(1, peer.uploaded);
  }
}
