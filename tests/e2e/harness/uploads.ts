import { Reader } from "./postcard";

/** The position of `Journal` in the enum of upload bodies. */
const JOURNAL = 0;

/**
 * The inputs that an upload says its own player made; `input` is their place in the message, so
 * that a forger can write there. Empty for any other message.
 */
export function authoredInputs(message: Buffer): { frame: number; input: Buffer }[] {
  if (message.subarray(0, 2).toString() !== "IG") return [];
  const reader = new Reader(message);
  reader.bytes(4);
  // The incarnation, the number in it, the session and the episode.
  reader.number();
  reader.number();
  reader.bytes(reader.number());
  reader.number();
  if (reader.number() !== JOURNAL) return [];
  return reader.list(() => {
    const frame = reader.number();
    reader.bytes(1);
    const input = reader.bytes(reader.number());
    // Where it came from, when it was sampled, and the delay.
    reader.number();
    reader.number();
    reader.bytes(1);
    return { frame, input };
  });
}
