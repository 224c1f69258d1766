import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Keyboard } from "../participant/keyboard";
import type { Controls } from "../src/generated/Controls";

const controls = (...keys: string[]) =>
  ({ bindings: keys.map((key, action) => ({ keys: [key], action, label: key })) }) as Controls;

let page: EventTarget;
let log: string[];
let keyboard: Keyboard;

beforeEach(() => {
  page = new EventTarget();
  vi.stubGlobal("window", page);
  vi.stubGlobal("document", Object.assign(new EventTarget(), { hidden: false }));
  log = [];
  keyboard = new Keyboard({
    handleKey: (key, down) => log.push(`${key} ${down ? "down" : "up"}`),
    releaseKeys: () => log.push("release"),
    handleVisible: () => {},
  });
  keyboard.listen(controls("a", "ArrowLeft", "Shift"));
});

afterEach(() => {
  vi.unstubAllGlobals();
});

function press(type: "keydown" | "keyup", key: string, code: string, meta = false): void {
  const modifiers = { ctrlKey: false, altKey: false, metaKey: meta };
  page.dispatchEvent(
    Object.assign(new Event(type, { cancelable: true }), { key, code }, modifiers),
  );
}

test("a letter that comes up under Shift comes up as it went down", () => {
  press("keydown", "a", "KeyA");
  press("keydown", "Shift", "ShiftLeft");
  press("keydown", "A", "KeyA");
  press("keyup", "A", "KeyA");
  press("keyup", "Shift", "ShiftLeft");
  expect(log).toEqual(["a down", "Shift down", "a up", "Shift up"]);
});

test("so does one that went down under Shift, and one of a keyboard without codes", () => {
  press("keydown", "A", "KeyA");
  press("keyup", "a", "KeyA");
  press("keydown", "a", "");
  press("keyup", "A", "");
  expect(log).toEqual(["A down", "A up", "a down", "a up"]);
});

test("of two keys with one name the last release counts", () => {
  press("keydown", "Shift", "ShiftLeft");
  press("keydown", "Shift", "ShiftRight");
  press("keyup", "Shift", "ShiftLeft");
  press("keyup", "Shift", "ShiftRight");
  expect(log).toEqual(["Shift down", "Shift down", "Shift up"]);
});

test("a key that is held while the command key goes up may have come up unheard", () => {
  press("keydown", "a", "KeyA");
  press("keydown", "Meta", "MetaLeft", true);
  press("keyup", "Meta", "MetaLeft");
  expect(log).toEqual(["a down", "release"]);
});

test("what is held when an episode begins is said again", () => {
  press("keydown", "ArrowLeft", "ArrowLeft");
  keyboard.repeatHeld();
  expect(log).toEqual(["ArrowLeft down", "ArrowLeft down"]);
});
