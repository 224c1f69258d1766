import type { Controls } from "../src/generated/Controls";

export interface KeyboardHandlers {
  /** `at` is absolute. */
  handleKey(key: string, down: boolean, at: number): void;
  releaseKeys(at: number): void;
  handleVisible(visible: boolean, at: number): void;
}

/** Keys of the game that is on, with the browser's own time stamps. */
export class Keyboard {
  /** Bound keys, letters in lower case; null while no game wants keys. */
  #bound: Set<string> | null = null;
  /**
   * Physical key → the name it went down with: Shift may change that name before it comes up, and
   * then the key would seem held for ever.
   */
  readonly #down = new Map<string, string>();

  constructor(private readonly handlers: KeyboardHandlers) {
    window.addEventListener("keydown", (event) => this.#handleDown(event));
    window.addEventListener("keyup", (event) => this.#handleUp(event));
    window.addEventListener("blur", (event) => this.#release(absolute(event)));
    document.addEventListener("visibilitychange", (event) => {
      this.#release(absolute(event));
      handlers.handleVisible(!document.hidden, absolute(event));
    });
  }

  /** While it listens, bound keys do not scroll the page or press its buttons. */
  listen(controls: Controls | null): void {
    this.#bound = controls && boundKeys(controls);
    if (controls === null) this.#down.clear();
  }

  /** Says again what is held: a new episode knows nothing of it. */
  repeatHeld(): void {
    const at = performance.timeOrigin + performance.now();
    for (const key of new Set([...this.#down.values()].map(normal))) {
      this.handlers.handleKey(key, true, at);
    }
  }

  #handleDown(event: KeyboardEvent): void {
    if (!this.#wants(event)) return;
    event.preventDefault();
    // A repeat of a key that is not known to be down was held since before we listened.
    if (this.#down.has(physical(event))) return;
    this.#down.set(physical(event), event.key);
    this.handlers.handleKey(event.key, true, absolute(event));
  }

  #handleUp(event: KeyboardEvent): void {
    // While it was down, macOS told of no other key that came up.
    if (event.key === "Meta" && this.#down.size > 0) this.#release(absolute(event));
    const key = this.#down.get(physical(event));
    if (key === undefined) return;
    event.preventDefault();
    this.#down.delete(physical(event));
    // The same name may still be held on another physical key (the two Shifts, the number pad).
    if ([...this.#down.values()].some((other) => normal(other) === normal(key))) return;
    this.handlers.handleKey(key, false, absolute(event));
  }

  #release(at: number): void {
    if (this.#bound === null) return;
    this.#down.clear();
    this.handlers.releaseKeys(at);
  }

  #wants(event: KeyboardEvent): boolean {
    if (!this.#bound?.has(normal(event.key))) return false;
    // The browser's own commands stay the browser's.
    return !(
      (event.ctrlKey && !this.#bound.has("Control")) ||
      (event.altKey && !this.#bound.has("Alt")) ||
      event.metaKey
    );
  }
}

function physical(event: KeyboardEvent): string {
  return event.code || normal(event.key);
}

export function boundKeys(controls: Controls): Set<string> {
  return new Set(controls.bindings.flatMap((binding) => binding.keys.map(normal)));
}

/** Letters match in either case. */
function normal(key: string): string {
  return key.length === 1 ? key.toLowerCase() : key;
}

function absolute(event: Event): number {
  return performance.timeOrigin + event.timeStamp;
}
