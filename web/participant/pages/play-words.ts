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
  if (score.own) return { who: "You", side: name };
  return others === 1 ? { who: "Partner", side: name } : { who: name, side: "" };
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
  const title = `${Math.round(rtt)} ms to your partner and back`;
  if (rtt < 120) return { bars: 3, word: "Good", title };
  if (rtt < 250) return { bars: 2, word: "Fair", title };
  return { bars: 1, word: "Slow", title };
}

/** What is laid over the picture; null for nothing. */
export interface OverlayWords {
  title: string;
  /** A number to count down, large. */
  count: number | null;
  detail: string;
}

/** A partner's silence shorter than this is not worth a word. */
const STALL_MS = 1000;
const COUNT_MS = 3000;

export interface Situation {
  round: number;
  rounds: number;
  /** Time to the first frame; negative once it runs. */
  startsInMs: number;
  status: Pick<Status, "sealed" | "flushed" | "stalled_by"> | null;
  /** How long play has stood still. */
  stalledForMs: number;
  /** The server ends the episode early. */
  flush: boolean;
  /** False for a page that was loaded in the middle of the game. */
  rejoins: boolean;
}

export function overlayWords(now: Situation): OverlayWords | null {
  const { round, rounds, status } = now;
  const name = rounds > 1 ? `Round ${round} of ${rounds}` : "";
  if (!now.rejoins) {
    const detail = "One moment, please. The study goes on by itself…";
    return { title: "This page was loaded again", count: null, detail };
  }
  if (now.flush || status?.flushed) {
    // A partner may have left, a link or the time run out: this page does not know which.
    return { title: "This round is being closed", count: null, detail: "Saving your data…" };
  }
  if (status?.sealed) {
    const title = rounds > 1 ? `Round ${round} is over` : "The game is over";
    return { title, count: null, detail: "Waiting for your partner…" };
  }
  if (now.startsInMs > 0) {
    if (now.startsInMs > COUNT_MS) return { title: name, count: null, detail: "Get ready…" };
    return { title: name, count: Math.ceil(now.startsInMs / 1000), detail: "Get ready" };
  }
  if (status && status.stalled_by !== null && now.stalledForMs > STALL_MS) {
    return { title: "One moment", count: null, detail: "Waiting for your partner’s connection…" };
  }
  return null;
}
