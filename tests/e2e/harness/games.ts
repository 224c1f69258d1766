import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { StudyOptions } from "./study";

/** What is played. */
export interface Game {
  name: string;
  /** Keys that people press at random. */
  keys: readonly string[];
  /** Of a game in Python: the study and what lies beside it. */
  folder?: string;
  /** The study, with what a test wants of it. */
  study(options: StudyOptions): string;
}

const EXAMPLES = fileURLToPath(new URL("../../../examples/", import.meta.url));
const STUDIES = fileURLToPath(new URL("../studies/", import.meta.url));

/** An example as it is, but for how often, how long and with whom it is played. */
function example(name: string, keys: readonly string[]): Game {
  const folder = EXAMPLES + name;
  return {
    name,
    keys,
    folder,
    study: (options) => adapted(readFileSync(`${folder}/study.toml`, "utf8"), options),
  };
}

export const SLIMEVB = example("python_slime_volleyball", ["ArrowLeft", "ArrowRight", "ArrowUp"]);
export const OVERCOOKED = example("overcooked", [
  ...["ArrowUp", "ArrowDown", "ArrowLeft", "ArrowRight", "w"],
]);
export const CART_POLE = example("cart_pole", ["ArrowRight"]);

/** A study of the tests' own in Python. */
function own(name: string, keys: readonly string[], settings: StudyOptions): Game {
  const folder = STUDIES + name;
  return {
    name,
    keys,
    folder,
    study: (options) =>
      adapted(readFileSync(`${folder}/study.toml`, "utf8"), { ...settings, ...options }),
  };
}

/** A game in plain Python, which needs no packages: no numpy has to be had for it. */
export const TUG = own("tug", ["ArrowUp", "ArrowDown"], { digestInterval: 20 });
/** Cards that one person leafs through, each with something that can be drawn. */
export const GALLERY = own("gallery", ["ArrowRight"], { episodes: 1, maxSteps: 100_000 });
/** Its picture is an array of colours. */
export const PIXELS = own("pixels", ["ArrowRight"], { episodes: 1, maxSteps: 100_000 });

/** One person climbs, further with one treatment than with the other. */
export const STEPS = own("steps", ["ArrowUp"], {});

/** The settings of the study's game replaced by those that a test gives. */
function adapted(study: string, options: StudyOptions): string {
  const settings = Object.entries({
    episodes: options.episodes,
    max_steps: options.maxSteps,
    countdown_s: options.countdownS ?? 1,
    lobby_timeout_s: options.lobbyTimeoutS ?? 120,
    reconnect_grace_s: options.reconnectGraceS ?? 60,
    flush_timeout_s: options.flushTimeoutS,
    digest_interval: options.digestInterval,
    relay: options.relay && `"${options.relay}"`,
  }).filter(([, value]) => value !== undefined);
  const names = settings.map(([name]) => name).join("|");
  const lines = settings.map(([name, value]) => `${name} = ${value}`);
  return study
    .replace(new RegExp(`^(${names}) = .*\n`, "gm"), "")
    .replace('type = "gym"\n', `type = "gym"\n${lines.join("\n")}\n`);
}
