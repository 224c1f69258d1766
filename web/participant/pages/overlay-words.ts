import type { EpisodePart } from "../../src/generated/EpisodePart";
import type { MemberView } from "../../src/generated/MemberView";
import type { Status } from "../../src/generated/Status";
import type { Loading } from "../../src/messages";
import { clock } from "../time";
import { loadingWords } from "./loading";

/** What is laid over the picture; null for nothing. */
export interface OverlayWords {
  title: string;
  /** What is counted down, large. */
  count: string | null;
  detail: string;
  /** When to look again although nothing is heard. */
  againMs: number | null;
}

/** Another member of the session. */
export interface Partner extends MemberView {
  player: number;
}

export interface Situation {
  round: number;
  rounds: number;
  /** Time to the first frame; negative once it runs. */
  startsInMs: number;
  status: Pick<Status, "sealed" | "flushed" | "stalled_by" | "rejoining"> | null;
  /** How long play has stood still. */
  stalledForMs: number;
  part: EpisodePart;
  /** This page plays the episode, or catches up with it. */
  joined: boolean;
  /** The server ends the episode early. */
  flush: boolean;
  partners: readonly Partner[];
  /** The game raised an error. */
  brokenOff: boolean;
  /** How far a game is that this page has to load first. */
  loading: Loading | null;
  /** How old the server's word about the partners is. */
  viewedForMs: number;
}

/** A partner's silence shorter than this is not worth a word. */
const STALL_MS = 1000;
const COUNT_MS = 3000;

export function overlayWords(now: Situation): OverlayWords | null {
  const status = now.joined ? now.status : null;
  if (now.brokenOff) {
    return plain("The game stopped", "That was not your doing. Saving your data…");
  }
  const partner = awaited(now, status?.stalled_by ?? null);
  if (now.flush || status?.flushed) {
    // A partner may have left, or the time run out: this page does not know which.
    return plain("This round is being closed", "Saving your data…");
  }
  if (status?.sealed || (now.part === "over" && !now.joined)) {
    const title = now.rounds > 1 ? `Round ${now.round} is over` : "The game is over";
    if (partner?.connected === false) return counted(now, partner, title);
    return plain(title, `Waiting for ${now.partners.length > 1 ? "the others" : "your partner"}…`);
  }
  if (now.loading && !now.joined) {
    return plain(now.part === "rejoin" ? "Welcome back" : "", loadingWords(now.loading).text);
  }
  if (now.part === "rejoin" && (!now.joined || status === null || status.rejoining)) {
    const title = "Welcome back";
    if (partner?.connected === false) return counted(now, partner, title);
    return plain(title, "Catching up with the game…");
  }
  if (now.startsInMs > 0) return start(now);
  if (!now.joined) return plain("", "Get ready…");
  if (status === null) return null;
  if (partner?.rejoining) {
    return plain(`${who(now)} is coming back`, "Their page was loaded again. One moment…");
  }
  if (status.stalled_by === null || now.stalledForMs <= STALL_MS) return null;
  if (partner) return counted(now, partner);
  return plain("One moment", `Waiting for ${who(now).toLowerCase()}’s connection…`);
}

/** The partner who is away or catches up, first of all the one whom play waits for. */
function awaited({ partners }: Situation, stalledBy: number | null): Partner | null {
  const away = partners.filter((partner) => !partner.connected || partner.rejoining);
  return away.find((partner) => partner.player === stalledBy) ?? away[0] ?? null;
}

function counted(now: Situation, partner: Partner, title?: string): OverlayWords {
  const lost = `${who(now)} lost the connection`;
  const words = (detail: string) => plain(title ?? lost, title ? `${lost}. ${detail}` : detail);
  if (partner.returns_within_ms === null) return words("Waiting for them to come back…");
  const left = partner.returns_within_ms - now.viewedForMs;
  if (left <= 0) return words("They did not come back in time. One moment…");
  const seconds = Math.ceil(left / 1000);
  return {
    ...words("The game waits for them to come back."),
    count: seconds < 60 ? `${seconds} s` : clock(left),
    againMs: left % 1000 || 1000,
  };
}

function start({ round, rounds, startsInMs }: Situation): OverlayWords {
  const title = rounds > 1 ? `Round ${round} of ${rounds}` : "";
  const againMs = startsInMs % 1000 || 1000;
  if (startsInMs > COUNT_MS) return { title, count: null, detail: "Get ready…", againMs };
  return { title, count: String(Math.ceil(startsInMs / 1000)), detail: "Get ready", againMs };
}

function who({ partners }: Situation): string {
  return partners.length > 1 ? "A partner" : "Your partner";
}

function plain(title: string, detail: string): OverlayWords {
  return { title, count: null, detail, againMs: null };
}
