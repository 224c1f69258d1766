/** "4:05" */
export function clock(ms: number): string {
  const seconds = Math.max(0, Math.ceil(ms / 1000));
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
}

/** The absolute time now, as messages between page and worker have it. */
export function absoluteNow(): number {
  return performance.timeOrigin + performance.now();
}

/** The rest is done in another task: none of this thread may be long. */
export function pause(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve));
}
