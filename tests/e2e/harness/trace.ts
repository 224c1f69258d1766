import type { Browser } from "@playwright/test";

/** Main-thread tasks that ran our code: how long they took, and how much of that they computed. */
export interface Tasks {
  count: number;
  wall: Durations;
  cpu: Durations;
}

/** In milliseconds. */
export interface Durations {
  p50: number;
  p99: number;
  max: number;
}

interface TraceEvent {
  name: string;
  ph: string;
  pid: number;
  tid: number;
  ts: number;
  dur?: number;
  /** Time on a processor. */
  tdur?: number;
  args: { name?: string; data?: { url?: string; type?: string } };
}

const CATEGORIES = ["devtools.timeline", "disabled-by-default-devtools.timeline"];

/** Records what the browser's threads do while `work` runs. */
export async function traced(browser: Browser, work: () => Promise<void>): Promise<TraceEvent[]> {
  await browser.startTracing(undefined, { categories: CATEGORIES });
  await work();
  const buffer = await browser.stopTracing();
  return (JSON.parse(buffer.toString()) as { traceEvents: TraceEvent[] }).traceEvents;
}

/** A module that runs for the first time. The browser does not say whose; a page has none but its own. */
const MODULE = "v8.evaluateModule";

/**
 * The main-thread tasks in which a script from `origin` ran. The browser's own work (layout, paint,
 * garbage collection between tasks) and what the test injects are not ours.
 */
export function ownTasks(events: TraceEvent[], origin: string): Tasks {
  const mains = new Set<string>();
  for (const event of events) {
    if (event.ph === "M" && event.name === "thread_name" && event.args.name === "CrRendererMain") {
      mains.add(thread(event));
    }
  }
  const tasks: TraceEvent[] = [];
  for (const main of mains) {
    const own = events.filter((event) => thread(event) === main && event.ph === "X");
    const isOurs = ({ args }: TraceEvent) => args.data?.url?.startsWith(origin) === true;
    // The browser has pages of its own.
    if (!own.some(isOurs)) continue;
    const scripts = own
      .filter((event) => isOurs(event) || event.name === MODULE)
      .map((event) => event.ts)
      .sort((a, b) => a - b);
    let next = 0;
    for (const task of own.filter(({ name }) => name === "RunTask").sort((a, b) => a.ts - b.ts)) {
      while ((scripts[next] ?? Number.POSITIVE_INFINITY) < task.ts) next += 1;
      if ((scripts[next] ?? Number.POSITIVE_INFINITY) < task.ts + (task.dur ?? 0)) tasks.push(task);
    }
  }
  return {
    count: tasks.length,
    wall: durations(tasks.map((task) => (task.dur ?? 0) / 1000)),
    cpu: durations(tasks.map((task) => (task.tdur ?? 0) / 1000)),
  };
}

function thread(event: TraceEvent): string {
  return `${event.pid}/${event.tid}`;
}

function durations(values: number[]): Durations {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (share: number) =>
    sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0;
  return { p50: at(0.5), p99: at(0.99), max: at(1) };
}
