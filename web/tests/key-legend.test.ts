import { expect, test } from "vitest";
import { keyCap, keyLegend } from "../participant/key-legend";
import { boundKeys } from "../participant/keyboard";
import type { Controls } from "../src/generated/Controls";

const CONTROLS: Controls = {
  mode: "held_keys",
  default_action: 0,
  bindings: [
    { keys: ["ArrowLeft"], action: 1, label: "Left" },
    { keys: ["ArrowUp", "ArrowLeft"], action: 2, label: "Jump left" },
    { keys: ["a"], action: 1, label: "Left" },
    { keys: [" "], action: 3, label: "Jump" },
  ],
};

test("keys that do the same share an entry, single keys come first", () => {
  const faces = keyLegend(CONTROLS).map(({ label, combinations }) => [
    label,
    combinations.map((caps) => caps.map((cap) => cap.face).join("+")),
  ]);
  expect(faces).toEqual([
    ["Left", ["←", "A"]],
    ["Jump", ["Space"]],
    ["Jump left", ["↑+←"]],
  ]);
});

test("keys have a name that can be read aloud", () => {
  expect(keyCap("ArrowUp").name).toBe("up arrow");
  expect(keyCap("F5")).toEqual({ face: "F5", name: "F5" });
});

test("letters are bound in either case, named keys as they are", () => {
  const capital = { keys: ["W"], action: 4, label: "Wave" };
  const bound = boundKeys({ ...CONTROLS, bindings: [...CONTROLS.bindings, capital] });
  expect([...bound].sort()).toEqual([" ", "ArrowLeft", "ArrowUp", "a", "w"]);
});
