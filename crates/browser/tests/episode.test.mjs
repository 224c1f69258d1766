// Two episodes in one module play each other through a lossy network in virtual time, driven as the
// worker drives them.

import assert from "node:assert/strict";
import { test } from "node:test";

import { igym } from "./module.mjs";

const PLAN = {
  session: "00000000-0000-0000-0000-000000000007",
  episode: 0,
  episodes: 2,
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

function episode(me, flip) {
  // The module reads it when an episode is made, so it can differ between two in one scope.
  globalThis.igymFlipAtFrame = flip;
  return new igym.Episode(JSON.stringify(PLAN), me, 1, 100);
}

/** Plays `PLAN` to its end; where `flip` is given, one bit of player 1's state flips at that frame. */
function play(seed, flip) {
  const random = generator(seed);
  const peers = [0, 1].map((me) => ({
    episode: episode(me, me === 1 ? flip : undefined),
    outbox: new igym.Outbox(1),
    held: new Set(),
    drawn: 0,
    uploaded: 0,
  }));
  const flights = [];
  let now = 0;
  const sealed = (peer) => JSON.parse(peer.episode.status()).sealed;
  for (; !peers.every(sealed); now += 1) {
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
      while (peer.episode.poll_upload(now, peer.outbox)) {}
      for (let bytes = peer.outbox.poll(); bytes; bytes = peer.outbox.poll()) {
        assert.deepEqual([...bytes.slice(0, 4)], [0x49, 0x47, 1, 0]);
        peer.uploaded += 1;
        peer.outbox.ack(1, peer.uploaded);
      }
    });
  }
  return peers;
}

test("two peers play to the same end over a lossy network", () => {
  const peers = play(1);
  const [left, right] = peers.map((peer) => JSON.parse(peer.episode.status()));
  for (const status of [left, right]) {
    assert.equal(status.sealed, true);
    assert.equal(status.frame, 300);
    assert.equal(status.confirmed, 300);
    assert.equal(status.frames_left, 0);
    assert.equal(status.desync_at, null);
    assert.ok(status.rollbacks > 10, `${status.rollbacks} rollbacks`);
    assert.ok(status.links[0].rtt_ms > 100, `${status.links[0].rtt_ms} ms`);
  }
  const scores = (status) => status.scores.map(({ agent, score }) => ({ agent, score }));
  assert.deepEqual(scores(left), scores(right));
  assert.deepEqual([left.own_agents, right.own_agents], [["agent_left"], ["agent_right"]]);
  for (const peer of peers) {
    assert.ok(peer.drawn > 250, `${peer.drawn} drawings`);
    assert.ok(peer.uploaded > 40, `${peer.uploaded} uploads`);
    assert.equal(peer.outbox.unacknowledged(), 0);
    assert.equal(peer.episode.draw(), "", "nothing changed since");
    const whole = JSON.parse(peer.episode.redraw());
    assert.deepEqual(whole.order.toSorted(), whole.set.map((object) => object.id).toSorted());
  }
});

// Only the module with fault injection can be told to err.
if (process.env.IGYM_WASM_FAULT === "1") {
  test("the negative control: a flipped bit is found at its frame", () => {
    for (const peer of play(2, 120)) {
      const status = JSON.parse(peer.episode.status());
      assert.equal(status.sealed, true, "play goes on");
      assert.equal(status.desync_at, 120);
    }
  });
}

test("a plan that cannot be played throws and says why", () => {
  const make = (plan) => () => new igym.Episode(plan, 0, 1, 0);
  assert.throws(make("{"), /line 1/);
  const chess = { ...PLAN, environment: { ...PLAN.environment, id: "chess" } };
  assert.throws(make(JSON.stringify(chess)), /chess/);
  assert.throws(() => new igym.Episode(JSON.stringify(PLAN), 2, 1, 0), /no player 2/);
});

test("hostile packets are refused and change nothing", () => {
  const peer = episode(0);
  const before = peer.status();
  for (const bytes of [new Uint8Array(), new Uint8Array(2000).fill(255), Uint8Array.of(1, 0, 0)]) {
    assert.equal(peer.handle_packet(1, bytes, 1), false);
  }
  assert.equal(peer.handle_relayed(7, true, new Uint8Array(40), 1), false);
  assert.equal(peer.status(), before);
});
