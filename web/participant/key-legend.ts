import type { Controls } from "../src/generated/Controls";
import { h } from "./dom";

/** One line of the legend: what can be done, and the key combinations that do it. */
export interface LegendEntry {
  label: string;
  /** Alternatives; each is a combination of keys pressed together. */
  combinations: KeyCap[][];
}

export interface KeyCap {
  /** What is printed on the key. */
  face: string;
  /** What it is called aloud. */
  name: string;
}

const CAPS: Record<string, KeyCap> = {
  ArrowLeft: { face: "←", name: "left arrow" },
  ArrowRight: { face: "→", name: "right arrow" },
  ArrowUp: { face: "↑", name: "up arrow" },
  ArrowDown: { face: "↓", name: "down arrow" },
  " ": { face: "Space", name: "space bar" },
  Enter: { face: "Enter", name: "enter" },
  Shift: { face: "Shift", name: "shift" },
  Control: { face: "Ctrl", name: "control" },
  Alt: { face: "Alt", name: "alt" },
  Tab: { face: "Tab", name: "tab" },
  Escape: { face: "Esc", name: "escape" },
  Backspace: { face: "⌫", name: "backspace" },
};

export function keyCap(key: string): KeyCap {
  const known = CAPS[key];
  if (known) return known;
  const face = key.length === 1 ? key.toUpperCase() : key;
  return { face, name: face };
}

/** One entry per label, which two keys of a study in Python share without sharing a number: single keys first, else in the order in which the study lists them. */
export function keyLegend(controls: Controls): LegendEntry[] {
  const entries = new Map<string, LegendEntry>();
  for (const binding of controls.bindings) {
    const entry = entries.get(binding.label) ?? { label: binding.label, combinations: [] };
    entry.combinations.push(binding.keys.map(keyCap));
    entries.set(binding.label, entry);
  }
  const keys = (entry: LegendEntry) => Math.min(...entry.combinations.map((caps) => caps.length));
  return [...entries.values()].sort((a, b) => keys(a) - keys(b));
}

/** The legend as a list of key caps. */
export function keyLegendElement(controls: Controls): HTMLElement {
  return h(
    "dl",
    { class: "legend" },
    ...keyLegend(controls).map((entry) =>
      h(
        "div",
        { class: "legend-entry" },
        h("dt", {}, ...between(entry.combinations.map(combinationElement), "or")),
        h("dd", {}, entry.label),
      ),
    ),
  );
}

function combinationElement(caps: KeyCap[]): HTMLElement {
  const keys = caps.map((cap) => h("kbd", { title: cap.name, "aria-label": cap.name }, cap.face));
  return h("span", { class: "combination" }, ...between(keys, "+"));
}

function between(elements: HTMLElement[], word: string): HTMLElement[] {
  return elements.flatMap((element, index) =>
    index === 0 ? [element] : [h("span", { class: "joiner" }, word), element],
  );
}
