/**
 * What the page tells about itself on the root element and in the browser's performance timeline,
 * for support and for tests:
 *
 * - `data-view`: kind of the current view, or `fault`; `data-fault`: which fault
 * - `data-connected`: whether the server answers; `data-rtt-ms`: round trip to it
 * - `data-engine`: `ready` once a game can begin; `data-loading`: how far a game in Python is
 * - `data-session`, `data-player`, `data-episode`: what is played, and as whom
 * - `data-part`: what the page has to do with the episode; `data-attempt`: of the links
 * - `data-broken-off`: the game raised an error
 * - `data-rejoining`: it catches up; `data-relayed`: packets go through the server
 * - `data-frame`, `data-confirmed`, `data-rollbacks`, `data-sealed`: how far (ten times a second)
 * - `data-partner-rtt-ms`: to the slowest partner; `data-unsaved`: uploads not yet on disk
 * - `data-keeps`: whether this browser keeps those for a later page
 * - measures `igym:key-to-frame`: from a key event to the painted frame that first used it
 * - marks `igym:view:<kind>`: when a view came
 */

const root = document.documentElement;

export function tell(facts: Record<string, string | number | boolean | null | undefined>): void {
  for (const [name, value] of Object.entries(facts)) {
    if (value === undefined || value === null) delete root.dataset[name];
    else root.dataset[name] = String(value);
  }
}

export function markView(kind: string): void {
  performance.mark(`igym:view:${kind}`);
}

let measures = 0;

/** Both on this page's clock. */
export function measureKeyToFrame(start: number, end: number): void {
  measures += 1;
  if (measures % 1000 === 0) performance.clearMeasures("igym:key-to-frame");
  performance.measure("igym:key-to-frame", { start, end });
}
