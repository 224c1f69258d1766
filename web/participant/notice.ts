import { setText } from "./dom";

/** A break shorter than this is not worth a word. */
const PATIENCE_MS = 1200;

/** One line that tells when the server is out of reach, or takes nobody. */
export class Notice {
  readonly #element = document.querySelector<HTMLElement>("#notice");
  #timer: ReturnType<typeof setTimeout> | undefined;
  #everConnected = false;
  #busy = false;
  #playing = false;
  /** The line tells of a lost server. */
  #reconnecting = false;

  constructor() {
    this.handleConnected(false);
  }

  handleConnected(connected: boolean): void {
    if (connected) {
      this.#everConnected = true;
      this.#show(null);
    } else if (this.#timer === undefined) {
      this.#timer = setTimeout(() => {
        this.#reconnecting = true;
        this.#show(this.#words());
      }, PATIENCE_MS);
    }
  }

  /** While a game goes on, it needs no server. */
  handlePlaying(playing: boolean): void {
    if (this.#playing === playing) return;
    this.#playing = playing;
    if (this.#reconnecting) this.#show(this.#words());
  }

  /** The server is there, and says that it takes nobody now. */
  handleBusy(busy: boolean): void {
    if (this.#busy === busy) return;
    this.#busy = busy;
    this.#show(null);
    if (busy) this.#show("The study is busy, trying again…");
    else this.handleConnected(false);
  }

  /** Nothing is awaited any more. */
  close(): void {
    this.#show(null);
  }

  #words(): string {
    if (!this.#everConnected) return "Connecting to the study…";
    return this.#playing ? "Reconnecting… You can play on." : "Reconnecting…";
  }

  #show(text: string | null): void {
    if (text === null) {
      clearTimeout(this.#timer);
      this.#timer = undefined;
      this.#reconnecting = false;
    }
    if (!this.#element) return;
    setText(this.#element, text ?? "");
    this.#element.hidden = text === null;
  }
}
