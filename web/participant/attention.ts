import type { View } from "../src/generated/View";

/** Calls a participant back who looks at another tab when the wait is over. */
export class Attention {
  #title = document.title;
  #waited = false;
  #calling = false;

  constructor() {
    document.addEventListener("visibilitychange", () => {
      if (!document.hidden) this.#rest();
    });
  }

  set title(title: string) {
    this.#title = title;
    if (!this.#calling) document.title = title;
  }

  handleView(kind: View["kind"] | "fault"): void {
    const waited = this.#waited;
    this.#waited = kind === "lobby";
    if (waited && kind !== "lobby" && document.hidden) this.#call();
  }

  #call(): void {
    this.#calling = true;
    document.title = `● It begins! – ${this.#title}`;
    chime();
  }

  #rest(): void {
    this.#calling = false;
    document.title = this.#title;
  }
}

/** Two soft notes. The participant pressed "Start" before, so the browser lets us. */
function chime(): void {
  try {
    const audio = new AudioContext();
    [587.33, 880].forEach((frequency, index) => {
      const at = audio.currentTime + index * 0.18;
      const tone = new OscillatorNode(audio, { type: "sine", frequency });
      const volume = new GainNode(audio, { gain: 0 });
      volume.gain.setValueAtTime(0, at);
      volume.gain.linearRampToValueAtTime(0.15, at + 0.02);
      volume.gain.exponentialRampToValueAtTime(0.001, at + 0.6);
      tone.connect(volume).connect(audio.destination);
      tone.start(at);
      tone.stop(at + 0.65);
      if (index === 1) tone.onended = () => void audio.close();
    });
  } catch {
    // Without sound the title still tells.
  }
}
