import { expect, test } from "vitest";
import {
  Announcements,
  agentName,
  formatScore,
  linkQuality,
  scoreName,
  scoreWords,
} from "../participant/pages/play-words";
import { clock } from "../participant/time";

test("agents are called as a person would", () => {
  expect(["agent_left", "player_0", "agent_1", "chef-red"].map(agentName)).toEqual([
    "left",
    "player 0",
    "agent 1",
    "chef red",
  ]);
});

test("scores are short, and no zero is negative", () => {
  expect([3, -1, 0.30000000000000004, -0.001].map(formatScore)).toEqual(["3", "−1", "0.3", "0"]);
});

const score = (agent: string, value: number, own: boolean) => ({ agent, score: value, own });

test("scores have owners, and sides where they help", () => {
  const two = [score("agent_left", 3, true), score("agent_right", -1, false)];
  expect(two.map((each) => scoreName(each, two))).toEqual([
    { who: "You", side: "left" },
    { who: "Partner", side: "right" },
  ]);
  expect(scoreWords(two)).toBe("You 3, Partner −1");
  const many = [
    score("a", 1, true),
    score("b", 2, true),
    score("c", 3, false),
    score("d", 4, false),
  ];
  expect(scoreWords(many)).toBe("You (a) 1, You (b) 2, c 3, d 4");
});

test("changes are read aloud with pauses, the newest first, and the last at once", () => {
  const announcements = new Announcements();
  expect(announcements.due("0", 0, false)).toBe(false);
  expect(announcements.due("1", 100, false)).toBe(true);
  expect(announcements.due("1", 200, false)).toBe(false);
  expect(announcements.due("2", 300, false)).toBe(false);
  expect(announcements.due("3", 4099, false)).toBe(false);
  expect(announcements.due("3", 4100, false)).toBe(true);
  expect(announcements.due("4", 4200, true)).toBe(true);
  announcements.reset();
  expect(announcements.due("0", 20_000, false)).toBe(false);
});

test("times are minutes and seconds, and the last second counts", () => {
  expect([0, 1, 1000, 61_000, -5].map(clock)).toEqual(["0:00", "0:01", "0:01", "1:01", "0:00"]);
});

test("the connection is that of the slowest partner, in words and bars", () => {
  const links = (...rtts: number[]) => ({
    stalled_by: null,
    links: rtts.map((rtt_ms, player) => ({ player, rtt_ms, relayed: false })),
  });
  expect(linkQuality(links())).toBeNull();
  expect(linkQuality(links(0))?.word).toBe("Connected");
  expect(linkQuality(links(20))).toMatchObject({ bars: 3, word: "Good" });
  expect(linkQuality(links(20, 180))).toMatchObject({ bars: 2, word: "Fair" });
  expect(linkQuality(links(400))).toMatchObject({ bars: 1, word: "Slow" });
  expect(linkQuality({ ...links(20), stalled_by: 1 })).toMatchObject({ bars: 0 });
  expect(linkQuality(links(20))?.title).not.toContain("server");
  const relayed = { stalled_by: null, links: [{ player: 1, rtt_ms: 20, relayed: true }] };
  expect(linkQuality(relayed)?.title).toContain("server");
});

test("an agent that is a number is not told beside the score", () => {
  const scores = ["0", "1"].map((agent, index) => ({ agent, score: 0, own: index === 0 }));
  const sides = scores.map((score) => scoreName(score, scores));
  expect(sides).toEqual([
    { who: "You", side: "" },
    { who: "Partner", side: "" },
  ]);
});
