// Two episodes in one module play each other through a lossy network in virtual time, driven as the
// worker drives them.

import assert from "node:assert/strict";
import { test } from "node:test";

import { igym } from "./module.mjs";
import { flipping, PLAN, play } from "./playing.mjs";

const made = (me, flip) =>
  flipping(flip, () => new igym.Episode(JSON.stringify(PLAN), me, 1, 100));

test("two peers play to the same end over a lossy network", () => {
  const peers = play(1, (me) => made(me));
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
    const flipped = (me) => made(me, me === 1 ? 120 : undefined);
    for (const peer of play(2, flipped)) {
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
  const peer = made(0);
  const before = peer.status();
  for (const bytes of [new Uint8Array(), new Uint8Array(2000).fill(255), Uint8Array.of(1, 0, 0)]) {
    assert.equal(peer.handle_packet(1, bytes, 1), false);
  }
  assert.equal(peer.handle_relayed(7, true, new Uint8Array(40), 1), false);
  assert.equal(peer.status(), before);
});
