import { Backoff } from "./backoff";

/** A participant's network may fail for a moment; so many times in a row it is no moment. */
const TRIES = 8;

/** What a download needs of its surroundings; a test brings its own. */
export interface Surroundings {
  fetch(address: string): Promise<Response>;
  random(): number;
  pause(ms: number): Promise<void>;
}

export const BROWSER: Surroundings = {
  fetch: (address) => fetch(address),
  random: () => Math.random(),
  pause: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
};

/** What is known of a file before it comes. */
export interface Expected {
  bytes: number;
  /** So many of them are there, counted from 0 again after a failure. */
  handleBytes(count: number): void;
}

/** The network, or the server, did not give a file. */
export class DownloadError extends Error {
  override readonly name = "DownloadError";
}

/** Fetches a whole file, again after a failure. */
export async function download(
  address: string,
  expected: Expected | null = null,
  surroundings: Surroundings = BROWSER,
): Promise<Uint8Array<ArrayBuffer>> {
  const backoff = new Backoff();
  for (let tried = 1; ; tried += 1) {
    try {
      const response = await surroundings.fetch(address);
      if (!response.ok) throw new Error(`the server answered ${response.status} for ${address}`);
      if (expected === null || response.body === null) {
        return new Uint8Array(await response.arrayBuffer());
      }
      return await counted(response.body, expected);
    } catch (error) {
      if (tried === TRIES) throw new DownloadError(`${address}: ${error}`, { cause: error });
      await surroundings.pause(backoff.next(surroundings.random()));
    }
  }
}

async function counted(
  body: ReadableStream<Uint8Array>,
  { bytes, handleBytes }: Expected,
): Promise<Uint8Array<ArrayBuffer>> {
  const content = new Uint8Array(bytes);
  let count = 0;
  handleBytes(0);
  const reader = body.getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    if (count + value.length > bytes) throw new Error(`more than ${bytes} bytes came`);
    content.set(value, count);
    count += value.length;
    handleBytes(count);
  }
  if (count !== bytes) throw new Error(`${count} of ${bytes} bytes came`);
  return content;
}
