import { expect, test } from "vitest";
import { overlayWords, type Partner, type Situation } from "../participant/pages/overlay-words";

const calm = { sealed: false, flushed: false, stalled_by: null, rejoining: false };
const there: Partner = { player: 1, connected: true, returns_within_ms: null, rejoining: false };
const away: Partner = { ...there, connected: false, returns_within_ms: 20_000 };
const back: Partner = { ...there, rejoining: true };
const playing: Situation = {
  round: 1,
  rounds: 2,
  startsInMs: -1,
  status: calm,
  stalledForMs: 0,
  part: "play",
  joined: true,
  flush: false,
  partners: [there],
  brokenOff: false,
  loading: null,
  viewedForMs: 0,
};
const stalled = { ...playing, status: { ...calm, stalled_by: 1 }, stalledForMs: 1100 };

test("nothing lies over a running game", () => {
  expect(overlayWords(playing)).toBeNull();
  expect(overlayWords({ ...playing, status: null })).toBeNull();
});

test("before the game is there, the page says so", () => {
  const before: Situation = { ...playing, joined: false, status: null };
  expect(overlayWords(before)?.detail).toBe("Get ready…");
});

test("a round is counted down", () => {
  const counts = [5000, 3000, 2001, 2000, 1, 0].map(
    (startsInMs) => overlayWords({ ...playing, startsInMs })?.count,
  );
  expect(counts).toEqual([null, "3", "3", "2", "1", undefined]);
  expect(overlayWords({ ...playing, startsInMs: 1000 })?.title).toBe("Round 1 of 2");
  expect(overlayWords({ ...playing, rounds: 1, startsInMs: 1000 })?.title).toBe("");
});

test("a short silence of the partner is passed over, a long one is told", () => {
  expect(overlayWords({ ...stalled, stalledForMs: 900 })).toBeNull();
  expect(overlayWords(stalled)).toMatchObject({ title: "One moment", count: null });
});

test("a partner whom the server does not hear is no matter while the game goes on", () => {
  expect(overlayWords({ ...playing, partners: [away] })).toBeNull();
});

test("the time that a lost partner has is counted down from the server's word, once a second", () => {
  const at = (viewedForMs: number) => {
    const words = overlayWords({ ...stalled, partners: [away], viewedForMs });
    return [words?.count, words?.againMs];
  };
  expect(at(0)).toEqual(["20 s", 1000]);
  expect(at(300)).toEqual(["20 s", 700]);
  expect(at(1000)).toEqual(["19 s", 1000]);
  expect(at(19_999)).toEqual(["1 s", 1]);
  expect(at(20_000)).toEqual([null, null]);
  const long = [{ ...away, returns_within_ms: 90_000 }];
  expect(overlayWords({ ...stalled, partners: long })?.count).toBe("1:30");
});

test("what is read aloud does not change with the count", () => {
  const texts = [0, 4000, 9000].map((viewedForMs) => {
    const words = overlayWords({ ...stalled, partners: [away], viewedForMs });
    return `${words?.title} ${words?.detail}`;
  });
  expect(new Set(texts).size).toBe(1);
});

test("of several partners, the one whom play waits for is counted down", () => {
  const partners = [
    { ...away, player: 0, returns_within_ms: 9000 },
    { ...away, player: 2, returns_within_ms: 4000 },
  ];
  const status = { ...calm, stalled_by: 2 };
  expect(overlayWords({ ...stalled, status, partners })).toMatchObject({
    title: "A partner lost the connection",
    count: "4 s",
  });
});

test("a partner whose page was loaded again is announced at once", () => {
  expect(overlayWords({ ...playing, partners: [back] })?.title).toBe("Your partner is coming back");
});

test("who comes back is told so until the game is caught up with", () => {
  const asked: Situation = { ...playing, part: "rejoin", joined: false, status: null };
  expect(overlayWords(asked)?.title).toBe("Welcome back");
  const rejoining = { ...calm, rejoining: true };
  expect(overlayWords({ ...asked, joined: true })?.title).toBe("Welcome back");
  expect(overlayWords({ ...asked, joined: true, status: rejoining })?.title).toBe("Welcome back");
  expect(overlayWords({ ...asked, joined: true, status: calm })).toBeNull();
  expect(overlayWords({ ...asked, partners: [away] })).toMatchObject({
    title: "Welcome back",
    count: "20 s",
  });
});

test("a page that only closes what an earlier one played says what that one would say", () => {
  const over: Situation = { ...playing, part: "over", joined: false, status: null };
  expect(overlayWords(over)?.title).toBe("Round 1 is over");
  // The page that played it to the end itself goes by its own state.
  expect(overlayWords({ ...over, joined: true, status: calm })).toBeNull();
  expect(overlayWords({ ...over, flush: true })?.title).toBe("This round is being closed");
});

test("the end of a round, and of the game, come before all else", () => {
  const sealed = { ...calm, sealed: true, stalled_by: 1 };
  expect(overlayWords({ ...playing, status: sealed })?.title).toBe("Round 1 is over");
  expect(overlayWords({ ...playing, status: sealed, partners: [away] })).toMatchObject({
    title: "Round 1 is over",
    count: "20 s",
  });
  expect(overlayWords({ ...stalled, flush: true, partners: [away] })).toMatchObject({
    title: "This round is being closed",
    detail: "Saving your data…",
  });
});
