import type { Browser } from "@playwright/test";

/** Durations of main-thread tasks that ran our code, in milliseconds. */
export interface Tasks {
  count: number;
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
  args: { name?: string; data?: { url?: string; type?: string } };
}

const CATEGORIES = ["toplevel", "devtools.timeline", "disabled-by-default-devtools.timeline"];

/** Records what the browser's threads do while `work` runs. */
export async function traced(browser: Browser, work: () => Promise<void>): Promise<TraceEvent[]> {
  await browser.startTracing(undefined, { categories: CATEGORIES });
  await work();
  const buffer = await browser.stopTracing();
  return (JSON.parse(buffer.toString()) as { traceEvents: TraceEvent[] }).traceEvents;
}

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
  const durations: number[] = [];
  for (const main of mains) {
    const own = events.filter((event) => thread(event) === main && event.ph === "X");
    const tasks = own.filter((event) => event.name === "RunTask").sort((a, b) => a.ts - b.ts);
    const scripts = own
      .filter((event) => event.args.data?.url?.startsWith(origin))
      .sort((a, b) => a.ts - b.ts);
    let next = 0;
    for (const task of tasks) {
      const end = task.ts + (task.dur ?? 0);
      while ((scripts[next]?.ts ?? Number.POSITIVE_INFINITY) < task.ts) next += 1;
      if ((scripts[next]?.ts ?? Number.POSITIVE_INFINITY) < end) {
        durations.push((task.dur ?? 0) / 1000);
      }
    }
  }
  return summary(durations);
}

function thread(event: TraceEvent): string {
  return `${event.pid}/${event.tid}`;
}

function summary(durations: number[]): Tasks {
  const sorted = durations.toSorted((a, b) => a - b);
  const at = (share: number) =>
    sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0;
  return { count: sorted.length, p50: at(0.5), p99: at(0.99), max: at(1) };
}
