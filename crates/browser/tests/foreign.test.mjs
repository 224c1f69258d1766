// Environments outside the module, behind bytes.

import assert from "node:assert/strict";
import { test } from "node:test";

import { igym } from "./module.mjs";
import { flipping, PLAN, play, takeUploads } from "./playing.mjs";
import { environment, Rope } from "./runtime.mjs";

const ROPE = {
  ...PLAN,
  environment: environment(),
  seats: PLAN.seats.map((seat, player) => ({ ...seat, agents: [["east", "west"][player]] })),
  controls: {
    ...PLAN.controls,
    bindings: [
      { keys: ["ArrowLeft"], action: 0, label: "pull" },
      { keys: ["ArrowRight"], action: 1, label: "pull hard" },
      { keys: ["ArrowUp"], action: 1, label: "pull hard" },
    ],
  },
};

/** Episodes of both players, and their runtimes. */
function ropes(plan, { flip, raisesAt } = {}) {
  const text = JSON.stringify(plan);
  const runtimes = [0, 1].map(() => new Rope(igym.foreign_configuration(text), raisesAt));
  const make = (me) =>
    flipping(me === 1 ? flip : undefined, () =>
      igym.Episode.foreign(text, runtimes[me], me, 1, 100),
    );
  return { make, runtimes };
}

test("two peers play an environment outside the module to the same end", () => {
  const { make, runtimes } = ropes(ROPE);
  const peers = play(1, make);
  const [east, west] = peers.map((peer) => JSON.parse(peer.episode.status()));
  for (const status of [east, west]) {
    assert.equal(status.sealed, true);
    assert.ok(status.frame > 100, `${status.frame} frames`);
    assert.equal(status.desync_at, null);
    assert.ok(status.rollbacks > 10, `${status.rollbacks} rollbacks`);
    assert.notEqual(status.scores[0].score, 0);
  }
  assert.deepEqual(
    east.scores.map(({ score }) => score),
    west.scores.map(({ score }) => score),
  );
  peers.forEach((peer, me) => {
    const { calls } = runtimes[me];
    assert.ok(calls.step > calls.run, "a rollback is one call");
    assert.ok(calls.load > 10, `${calls.load} loads`);
    assert.ok(peer.drawn > 100 && calls.draw >= peer.drawn, `${calls.draw} pictures`);
    assert.ok(peer.uploaded > 20, `${peer.uploaded} uploads`);
    const whole = JSON.parse(peer.episode.redraw());
    const agent = ["east", "west"][me];
    assert.deepEqual(whole.order, ["knot"]);
    assert.equal(whole.hud, `${agent}: ${east.frame}`);
    assert.deepEqual(whole.pixels, { width: 1, height: 1 });
    assert.deepEqual([...peer.episode.take_pixels()], [east.frame & 255, me, 7]);
    assert.equal(peer.episode.failure(), undefined);
  });
});

test("an environment that raises stops the episode and says where", () => {
  const { make, runtimes } = ropes(ROPE, { raisesAt: 60 });
  const failed = (peers) => peers.every((peer) => peer.episode.failure() !== undefined);
  const peers = play(3, make, failed);
  peers.forEach((peer, me) => {
    const { run } = runtimes[me].calls;
    const failure = JSON.parse(peer.episode.failure());
    assert.deepEqual([failure.kind, failure.file, failure.line], ["environment", "rope.js", 3]);
    assert.equal(failure.details, "a traceback");
    const now = 60_000;
    peer.episode.tick(now);
    assert.equal(peer.episode.draw(), "");
    assert.equal(runtimes[me].calls.run, run, "it is not called again");
    const before = peer.uploaded;
    peer.episode.flush(now);
    takeUploads(peer, now);
    assert.ok(peer.uploaded > before, "the rest is uploaded");
    assert.equal(JSON.parse(peer.episode.status()).flushed, true);
  });
});

test("an interpreter that throws, or answers nonsense, is a failure and no exception", () => {
  const text = JSON.stringify(ROPE);
  const broken = {
    reset: () => {
      throw new Error("memory access out of bounds");
    },
  };
  const fail = (runtime) => JSON.parse(igym.Episode.foreign(text, runtime, 0, 1, 100).failure());
  assert.deepEqual(
    [fail(broken).kind, fail(broken).message],
    ["runtime", "the interpreter failed: Error: memory access out of bounds"],
  );
  assert.equal(fail({ reset: () => Uint8Array.of(1, 2, 3) }).kind, "protocol");
  assert.equal(fail({ reset: () => undefined }).kind, "runtime");
  assert.equal(fail({}).kind, "runtime");
});

test("a plan that does not fit the description throws", () => {
  const strangers = { ...ROPE, seats: [{ ...ROPE.seats[0], agents: ["north"] }] };
  assert.throws(() => igym.foreign_configuration(JSON.stringify(strangers)), /no agent "north"/);
  assert.throws(() => igym.foreign_configuration(JSON.stringify(PLAN)), /configuration/);
});

test("a preview shows how the environment begins", () => {
  const runtime = new Rope(igym.foreign_configuration(JSON.stringify(ROPE)));
  const preview = new igym.ForeignPreview(ROPE.environment.config, runtime);
  const delta = JSON.parse(preview.delta);
  assert.deepEqual([delta.order, delta.hud, delta.assets], [["knot"], "east: 0", []]);
  assert.deepEqual([...preview.take_pixels()], [0, 0, 7]);
  const raising = { reset: runtime.reset.bind(runtime), run: () => runtime.raise([1], 0) };
  assert.throws(
    () => new igym.ForeignPreview(ROPE.environment.config, raising),
    /rope.js:3: rope broke/,
  );
});

// Only the module with fault injection can be told to err.
if (process.env.IGYM_WASM_FAULT === "1") {
  test("the negative control: a wrong bit outside the module is found at its frame", () => {
    const { make } = ropes(ROPE, { flip: 60 });
    for (const peer of play(2, make)) {
      const status = JSON.parse(peer.episode.status());
      assert.equal(status.sealed, true, "play goes on");
      assert.equal(status.desync_at, 60);
    }
  });
}
