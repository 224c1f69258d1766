import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { View } from "../src/generated/View";
import { Foreign } from "../worker/foreign";

const START = { kind: "start", scene: 0 } as unknown as View;
const END = { kind: "end", code: "CODE" } as unknown as View;
const playing = (id: string) =>
  ({ kind: "playing", game: { environment: { id, config: "{}" } } }) as unknown as View;

let asked: string[];
let foreign: Foreign;

beforeEach(() => {
  asked = [];
  vi.stubGlobal("fetch", (address: string) => {
    asked.push(address);
    return new Promise(() => {});
  });
  foreign = new Foreign({ handleLoading() {}, handleReady() {}, handleNotLoaded() {} });
});

afterEach(() => {
  vi.unstubAllGlobals();
});

test("Python is loaded from the first page on", () => {
  expect(foreign.handleWelcome("one")).toBe(true);
  foreign.follow(START);
  expect(asked).toEqual(["/python/one.json"]);
});

test("a page that runs one study's Python cannot play another's", () => {
  foreign.handleWelcome("one");
  foreign.follow(START);
  expect(foreign.handleWelcome("one")).toBe(true);
  expect(foreign.handleWelcome("two")).toBe(false);
});

test("a page that runs no Python yet takes the study as it is now", () => {
  foreign.handleWelcome("one");
  expect(foreign.handleWelcome("two")).toBe(true);
  foreign.follow(START);
  expect(asked).toEqual(["/python/two.json"]);
});

test.each([
  ["the last page", END, []],
  ["a native game in play", playing("slime_volleyball"), []],
  ["a game in Python in play", playing("python"), ["/python/one.json"]],
])("%s: what is loaded", (_, view, expected) => {
  foreign.handleWelcome("one");
  foreign.follow(view);
  expect(asked).toEqual(expected);
});
