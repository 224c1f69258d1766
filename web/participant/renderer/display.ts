import type { DrawDelta } from "../../src/generated/DrawDelta";
import type { DrawObject } from "../../src/generated/DrawObject";
import type { Shape } from "../../src/generated/Shape";

/** An object as it is to be shown now. */
export interface Shown {
  id: string;
  shape: Shape;
  alpha: number;
}

/** What differs from the last picture taken. Apply `removed`, then `changed`, then `order`. */
export interface Changes {
  removed: string[];
  changed: Shown[];
  /** All ids from the bottom to the top, when that differs. */
  order: string[] | null;
  /** Something is on its way: look again in the next frame. */
  moving: boolean;
}

interface Entry {
  target: DrawObject;
  /** Where it is now; the target's own shape when it rests. */
  shape: Shape;
  tween: { from: Shape; startedAt: number; duration: number } | null;
  /** The delta that brought the target, and how far that moved its place. */
  delta: number;
  motion: number[] | null;
  /** How far beside its target it is shown after a correction, less and less. */
  slide: { offset: number[]; startedAt: number; duration: number } | null;
}

/** Nobody sees a smaller error. */
const VISIBLE_PIXELS = 0.5;

/** The picture, apart from the library that paints it: what is where, and what is moving. */
export class DisplayModel {
  readonly #entries = new Map<string, Entry>();
  readonly #changed = new Set<string>();
  readonly #removed = new Set<string>();
  #order: string[] | null = null;
  #deltas = 0;

  /** Anything to paint? */
  get dirty(): boolean {
    return this.#changed.size > 0 || this.#removed.size > 0 || this.#order !== null;
  }

  /**
   * `smoothMs`: the game took guesses back. What is elsewhere than where it would have gone glides
   * to its place in this time; 0 shows it there at once.
   */
  apply(delta: DrawDelta, now: number, smoothMs = 0): void {
    this.#deltas += 1;
    for (const id of delta.removed) this.#remove(id);
    for (const object of delta.set) this.#set(object, now, smoothMs);
    if (delta.order) this.#order = delta.order;
  }

  /** Empties the picture. */
  clear(): void {
    for (const id of [...this.#entries.keys()]) this.#remove(id);
    this.#order = [];
  }

  /** Everything is to be painted again. */
  touch(): void {
    for (const id of this.#entries.keys()) this.#changed.add(id);
  }

  /** Moves what moves, and says what to paint. */
  take(now: number): Changes {
    let moving = false;
    const changed: Shown[] = [];
    for (const id of this.#changed) {
      const entry = this.#entries.get(id);
      if (!entry) continue;
      if (entry.tween) {
        const part = (now - entry.tween.startedAt) / entry.tween.duration;
        if (part < 1) {
          entry.shape = between(entry.tween.from, entry.target.shape, Math.max(0, part));
        } else {
          entry.shape = entry.target.shape;
          entry.tween = null;
        }
      }
      if (entry.slide) {
        const offset = offsetAt(entry.slide, now);
        entry.shape = offset ? moved(entry.target.shape, offset) : entry.target.shape;
        if (!offset) entry.slide = null;
      }
      if (entry.tween || entry.slide) moving = true;
      else this.#changed.delete(id);
      changed.push({ id, shape: entry.shape, alpha: entry.target.alpha });
    }
    const changes = { removed: [...this.#removed], changed, order: this.#order, moving };
    this.#removed.clear();
    this.#order = null;
    return changes;
  }

  #set(object: DrawObject, now: number, smoothMs: number): void {
    const old = this.#entries.get(object.id);
    const entry: Entry = {
      ...{ target: object, shape: object.shape, delta: this.#deltas },
      ...{ tween: null, motion: null, slide: null },
    };
    if (old && object.tween_ms && old.shape.kind === object.shape.kind) {
      entry.shape = old.shape;
      entry.tween = { from: old.shape, startedAt: now, duration: object.tween_ms };
    } else if (old && old.shape.kind === object.shape.kind) {
      const [before, place] = [placeOf(old.target.shape), placeOf(object.shape)];
      if (before.length === place.length) {
        entry.motion = place.map((value, index) => value - (before[index] ?? 0));
        entry.slide = smoothMs > 0 ? slideTo(place, before, old, entry, now, smoothMs) : old.slide;
      }
    }
    this.#entries.set(object.id, entry);
    this.#changed.add(object.id);
  }

  #remove(id: string): void {
    if (!this.#entries.delete(id)) return;
    this.#changed.delete(id);
    this.#removed.add(id);
  }
}

/** From where the object would have gone on to. */
function slideTo(
  place: number[],
  before: number[],
  old: Entry,
  entry: Entry,
  now: number,
  duration: number,
): Entry["slide"] {
  const shown = old.slide ? offsetAt(old.slide, now) : null;
  const motion = old.delta === entry.delta - 1 ? old.motion : null;
  const offset = place.map(
    (value, index) => (before[index] ?? 0) + (motion?.[index] ?? 0) + (shown?.[index] ?? 0) - value,
  );
  if (offset.every((value) => Math.abs(value) < VISIBLE_PIXELS)) return null;
  return { offset, startedAt: now, duration };
}

/** Null once it is over. Quick at first, so that what is seen is soon nearly true. */
function offsetAt(slide: NonNullable<Entry["slide"]>, now: number): number[] | null {
  const left = 1 - (now - slide.startedAt) / slide.duration;
  return left > 0 ? slide.offset.map((value) => value * left * left) : null;
}

/** The numbers of a shape that say where it is. */
function placeOf(shape: Shape): number[] {
  return "points" in shape ? shape.points.flat() : [shape.x, shape.y];
}

function moved(shape: Shape, offset: number[]): Shape {
  const by = (index: number) => offset[index] ?? 0;
  if (!("points" in shape)) return { ...shape, x: shape.x + by(0), y: shape.y + by(1) };
  const points = shape.points.map(([x, y], index): [number, number] => [
    x + by(2 * index),
    y + by(2 * index + 1),
  ]);
  return { ...shape, points };
}

/** `to`, with every number part of the way from where it is in `from`. */
export function between<T>(from: T, to: T, part: number): T {
  if (typeof to === "number") {
    return (typeof from === "number" ? from + (to - from) * part : to) as T;
  }
  if (Array.isArray(to)) {
    if (!Array.isArray(from) || from.length !== to.length) return to;
    return to.map((value, index) => between(from[index], value, part)) as T;
  }
  if (to !== null && typeof to === "object") {
    const result: Record<string, unknown> = {};
    for (const [name, value] of Object.entries(to)) {
      const start = (from as Record<string, unknown>)[name];
      result[name] = start === undefined ? value : between(start, value, part);
    }
    return result as T;
  }
  return to;
}
