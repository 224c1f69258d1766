import type { Score } from "../../src/generated/Score";
import type { Status } from "../../src/generated/Status";

/** An agent's name as a person would say it: `agent_left` → "left", `player_0` → "player 0". */
export function agentName(agent: string): string {
  const words = agent.split(/[_\s-]+/).filter((word) => word !== "");
  const telling = words.filter((word) => word.toLowerCase() !== "agent");
  const kept = telling.some((word) => !/^\d+$/.test(word)) ? telling : words;
  return kept.join(" ");
}

/** Whole scores plainly, others with two digits at most. */
export function formatScore(score: number): string {
  const rounded = Math.round(score * 100) / 100;
  return (rounded === 0 ? 0 : rounded).toString().replace("-", "−");
}

/** How a score's owner is called, and a word beside it that tells which side that is. */
export function scoreName(score: Score, scores: readonly Score[]): { who: string; side: string } {
  const name = agentName(score.agent);
  const others = scores.filter((other) => !other.own).length;
  // A number beside the score says nothing, but of several of one's own which is which.
  const several = scores.filter((other) => other.own).length > 1;
  const side = /^\d+$/.test(name) && !several ? "" : name;
  if (score.own) return { who: "You", side };
  if (others > 1) return { who: name, side: "" };
  return { who: "Partner", side };
}

/** All scores in a sentence, to be read aloud. */
export function scoreWords(scores: readonly Score[]): string {
  const several = scores.filter((score) => score.own).length > 1;
  const parts = scores.map((score) => {
    const { who, side } = scoreName(score, scores);
    return `${who}${several && score.own ? ` (${side})` : ""} ${formatScore(score.score)}`;
  });
  return parts.join(", ");
}

/** A score that changes all the time is read aloud no more often than this. */
const ANNOUNCEMENT_MS = 4000;

/** Decides when a text that changes is read aloud: the newest, with pauses, and never the first. */
export class Announcements {
  #said: string | null = null;
  #saidAt = Number.NEGATIVE_INFINITY;

  /** Something new begins. */
  reset(): void {
    this.#said = null;
  }

  /** True when `text` is to be read now; `last` when no other will come. */
  due(text: string, nowMs: number, last: boolean): boolean {
    const first = this.#said === null;
    if (this.#said === text || (!first && !last && nowMs - this.#saidAt < ANNOUNCEMENT_MS)) {
      return false;
    }
    this.#said = text;
    if (!first) this.#saidAt = nowMs;
    return !first;
  }
}

export interface Quality {
  /** Of three. */
  bars: number;
  word: string;
  title: string;
}

/** The connection to the slowest partner, in words; null where there is no partner. */
export function linkQuality(status: Pick<Status, "links" | "stalled_by">): Quality | null {
  if (status.links.length === 0) return null;
  if (status.stalled_by !== null) {
    return { bars: 0, word: "Interrupted", title: "Waiting for your partner’s connection" };
  }
  const rtt = Math.max(...status.links.map((link) => link.rtt_ms));
  if (rtt === 0) return { bars: 3, word: "Connected", title: "Connected to your partner" };
  const way = status.links.some((link) => link.relayed) ? ", through the study’s server" : "";
  const title = `${Math.round(rtt)} ms to your partner and back${way}`;
  if (rtt < 120) return { bars: 3, word: "Good", title };
  if (rtt < 250) return { bars: 2, word: "Fair", title };
  return { bars: 1, word: "Slow", title };
}
