import { h, s } from "../dom";

/** A page's heading: takes the focus when the page comes, so that it is read aloud. */
export function heading(text: string): HTMLElement {
  return h("h1", { tabindex: "-1" }, text);
}

export function card(...children: (Node | null)[]): HTMLElement {
  return h("section", { class: "card" }, ...children);
}

export function button(label: string, attributes: Record<string, string | boolean> = {}) {
  return h("button", { type: "button", class: "primary", ...attributes }, label);
}

/** Turns a button into one that waits for the server. */
export function busy(element: HTMLButtonElement): void {
  element.setAttribute("aria-disabled", "true");
  element.classList.add("busy");
}

export function isBusy(element: HTMLButtonElement): boolean {
  return element.classList.contains("busy");
}

/** A person, for a seat in the lobby. */
export function person(): SVGElement {
  return s(
    "svg",
    { viewBox: "0 0 24 24", "aria-hidden": "true", class: "person" },
    s("circle", { cx: 12, cy: 8.5, r: 4 }),
    s("path", { d: "M4.5 20.5c.6-4.1 3.6-6.3 7.5-6.3s6.9 2.2 7.5 6.3" }),
  );
}

const SIGNS = {
  done: "M5 12.5l4.5 4.5L19 7.5",
  pause: "M9 6.5v11M15 6.5v11",
  cross: "M7 7l10 10M17 7L7 17",
} as const;

/** A round sign above a heading. */
export function sign(kind: keyof typeof SIGNS): HTMLElement {
  return h(
    "div",
    { class: `sign ${kind}`, "aria-hidden": "true" },
    s("svg", { viewBox: "0 0 24 24" }, s("path", { d: SIGNS[kind] })),
  );
}
