import type { Game } from "./games";

/** What a test's study.toml says beyond the rules that all of them share. */
export interface StudyOptions {
  title?: string;
  episodes?: number;
  maxSteps?: number;
  /** Points that a player may lose in an episode. */
  maxLives?: number;
  inputDelay?: number;
  countdownS?: number;
  lobbyTimeoutS?: number;
  reconnectGraceS?: number;
  seats?: "fixed" | "random" | "rotating";
  relay?: "fallback" | "only" | "never";
  /** How long pages may take to deliver all before the episode ends without; of games in Python. */
  flushTimeoutS?: number;
  /** Frames between digests of the state; of games in Python. */
  digestInterval?: number;
}

/** The native game, which most tests play. */
export const SLIME: Game = {
  name: "slime_volleyball",
  keys: ["ArrowLeft", "ArrowRight", "ArrowUp"],
  study: studyToml,
};

/** Slime volleyball for two. */
function studyToml(options: StudyOptions = {}): string {
  const {
    title = "End to end",
    episodes = 2,
    maxSteps = 300,
    maxLives = 100,
    inputDelay = 2,
    countdownS = 0.5,
    lobbyTimeoutS = 120,
    reconnectGraceS = 60,
    seats = "rotating",
    relay = "fallback",
  } = options;
  return `[study]
id = "e2e"
title = "${title}"

[[scenes]]
type = "start"
body = "Welcome."

[[scenes]]
type = "gym"
environment = "slime_volleyball"
config = { max_lives = ${maxLives} }
episodes = ${episodes}
seats = "${seats}"
relay = "${relay}"
max_steps = ${maxSteps}
input_delay = ${inputDelay}
countdown_s = ${countdownS}
lobby_timeout_s = ${lobbyTimeoutS}
reconnect_grace_s = ${reconnectGraceS}

[[scenes]]
type = "end"
body = "Thank you."
`;
}
