// A small game in JavaScript that speaks the bytes of python/README.md: two pull at a rope.

const AGENTS = ["east", "west"];
const HALF = 200;

/** A plan's environment: what a runtime of this game says of itself. */
export function environment() {
  const space = { kind: "discrete", n: 3, start: 0 };
  const config = {
    configuration: { environment: { file: "rope.js" }, bindings: [1, 2] },
    description: {
      agents: AGENTS,
      spaces: [space, space],
      default_actions: ["00", "00"],
      bindings: [
        ["01", "01"],
        ["02", "02"],
      ],
      size: [2 * HALF, 100],
      assets: [],
    },
  };
  return { id: "python", version: "lock", config: JSON.stringify(config) };
}

/** Raises in the frame `raisesAt`; `calls` counts what it was asked. */
export class Rope {
  constructor(configuration, raisesAt) {
    const { seats, max_steps, digest_interval } = JSON.parse(configuration);
    this.players = AGENTS.map((agent) => seats.findIndex((seat) => seat.includes(agent)));
    this.rules = { maxSteps: max_steps, interval: digest_interval };
    this.raisesAt = raisesAt;
    this.calls = { reset: 0, run: 0, step: 0, load: 0, draw: 0 };
    this.kept = new Map();
  }

  reset(seed) {
    this.calls.reset += 1;
    this.state = { frame: 0, rope: 0, noise: seed >>> 0, returns: [0, 0], ended: false };
    this.kept.clear();
    const nothing = [6, ...u32(2), 8, 0];
    return Uint8Array.from([1, ...nothing, ...nothing, ...this.standing()]);
  }

  run(batch) {
    this.calls.run += 1;
    const view = new DataView(batch.buffer, batch.byteOffset, batch.byteLength);
    const out = [1];
    let [at, over] = [2, false];
    const number = () => view.getUint32((at += 4) - 4, true);
    while (at < batch.length) {
      const operation = batch[at++];
      if (operation === 1) {
        const frame = number();
        this.calls.load += 1;
        this.state = structuredClone(this.kept.get(frame));
        for (const kept of [...this.kept.keys()]) if (kept > frame) this.kept.delete(kept);
        over = false;
      } else if (operation === 2) {
        const frame = number();
        if (!over) this.kept.set(frame, structuredClone(this.state));
      } else if (operation === 3) {
        const frame = number();
        const inputs = [];
        for (let players = batch[at++]; players > 0; players -= 1) {
          const length = batch[at++];
          inputs.push(batch.slice(at, (at += length)));
        }
        if (over) continue;
        if (frame === this.raisesAt) return this.raise(out, frame);
        over = this.step(frame, inputs, out);
      } else if (operation === 4) {
        const frame = number();
        for (const kept of [...this.kept.keys()]) if (kept < frame) this.kept.delete(kept);
      } else if (operation === 5) {
        this.draw(batch[at++], out);
      } else {
        throw new Error(`operation ${operation}`);
      }
    }
    return Uint8Array.from([...out, ...this.standing()]);
  }

  step(frame, inputs, out) {
    this.calls.step += 1;
    const { state } = this;
    if (frame !== state.frame) throw new Error(`frame ${frame}, not ${state.frame}`);
    const pulls = this.players.map((player) => {
      const [action] = inputs[player] ?? [];
      return inputs[player]?.length === 1 && action < 3 ? action : 0;
    });
    state.noise = (Math.imul(state.noise, 1664525) + 1013904223 + pulls[0] + 3 * pulls[1]) >>> 0;
    const moved = pulls[1] - pulls[0] + ((state.noise >>> 30) - 1.5) / 4;
    state.rope += moved;
    state.frame += 1;
    const rewards = [-moved, moved];
    rewards.forEach((reward, agent) => {
      state.returns[agent] += reward;
    });
    state.ended = Math.abs(state.rope) > HALF || state.frame >= this.rules.maxSteps;
    const due = state.frame % this.rules.interval === 0 || state.ended;
    // Flags of an outcome: reward, terminated known, terminated, truncated known.
    const cells = AGENTS.flatMap((agent, index) => [
      ...text(agent),
      1 | 2 | (state.ended ? 4 : 0) | 8,
      ...f64(rewards[index]),
    ]);
    const outcome = [state.ended ? 1 : 0, AGENTS.length, ...cells];
    out.push(3, ...u32(frame), (state.ended ? 1 : 0) | (due ? 2 : 0), ...block(outcome));
    if (due) out.push(...f64(state.rope), ...u32(state.noise), ...u32(state.frame));
    return state.ended;
  }

  draw(viewer, out) {
    this.calls.draw += 1;
    const { frame, rope } = this.state;
    const shape = { kind: "circle", x: HALF + rope, y: 50, radius: 9, color: "#aa3300" };
    const list = {
      objects: [{ id: "knot", shape, alpha: 1 }],
      omitted: 0,
      hud: `${AGENTS[viewer] ?? "nobody"}: ${frame}`,
    };
    const bytes = new TextEncoder().encode(JSON.stringify(list));
    out.push(5, ...u32(0), ...block(bytes), ...u32(1), ...u32(1), frame & 255, viewer, 7);
  }

  raise(out, frame) {
    const error = { kind: "environment", message: "rope broke", file: "rope.js", line: 3, frame };
    const bytes = new TextEncoder().encode(JSON.stringify({ ...error, details: "a traceback" }));
    return Uint8Array.from([...out, 255, ...block(bytes)]);
  }

  standing() {
    const { frame, ended, returns } = this.state;
    const agents = returns.flatMap((score) => [...f64(score), ended ? 0 : 1]);
    return [0x7f, ...u32(frame), ended ? 1 : 0, AGENTS.length, ...agents];
  }
}

const u32 = (number) => new Uint8Array(Uint32Array.of(number).buffer);
const f64 = (number) => new Uint8Array(Float64Array.of(number).buffer);
const block = (bytes) => [...u32(bytes.length), ...bytes];
const text = (word) => [word.length, ...new TextEncoder().encode(word)];
