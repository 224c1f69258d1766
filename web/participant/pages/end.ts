import { h, prose, setText } from "../dom";
import type { Context, Outcome, Page, Surroundings, ViewOf } from "./page";
import { card, heading, sign } from "./parts";

const SIGN: Record<Outcome, "done" | "pause"> = {
  completed: "done",
  lobby_timeout: "pause",
  connection_failed: "pause",
  validation_failed: "pause",
  partner_left: "pause",
  environment_failed: "pause",
  too_slow: "pause",
  left: "pause",
};

/** The last page: what happened, the code, the way back. */
export function endPage(view: ViewOf<"end">, _context: Context): Page {
  const title = heading(view.title);
  const saving = h("p", { class: "hint", role: "status" });
  const redirect = webAddress(view.redirect);
  return {
    element: card(
      sign(SIGN[view.outcome]),
      title,
      prose(view.body),
      view.code === null ? null : codeBox(view.code),
      redirect === null
        ? null
        : h("a", { class: "primary", id: "redirect", href: redirect }, "Continue"),
      saving,
    ),
    focus: title,
    handleSurroundings({ unsaved }: Surroundings) {
      setText(saving, unsaved > 0 ? "Saving your data. Please keep this page open…" : "");
    },
  };
}

function codeBox(code: string): HTMLElement {
  const text = h("output", { id: "code", class: "code" }, code);
  const copy = h("button", { type: "button", class: "secondary", id: "copy" }, "Copy");
  const said = h("span", { class: "hint", role: "status" });
  copy.addEventListener("click", async () => {
    const copied = await copyText(code);
    if (!copied) getSelection()?.selectAllChildren(text);
    setText(said, copied ? "Copied" : "Press Ctrl+C to copy");
  });
  return h(
    "div",
    { class: "code-box" },
    h("p", { class: "label" }, "Your completion code"),
    h("div", { class: "row" }, text, copy, said),
  );
}

/** The clipboard exists only on secure pages; a lab network may have none. */
async function copyText(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return false;
  }
}

/** Only addresses of the web: never `javascript:`. */
function webAddress(address: string | null): string | null {
  if (address === null) return null;
  try {
    const url = new URL(address);
    return url.protocol === "https:" || url.protocol === "http:" ? url.href : null;
  } catch {
    return null;
  }
}
