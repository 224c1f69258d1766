import { Backoff } from "./backoff";

/** A participant's network may fail for a moment; so many times in a row it is no moment. */
const TRIES = 8;
/** A connection that is slow brings something in this time; one that brings nothing is none any more. */
const STALLED_MS = 20_000;

/** What a download needs of its surroundings; a test brings its own. */
export interface Surroundings {
  fetch(address: string, signal: AbortSignal): Promise<Response>;
  random(): number;
  pause(ms: number): Promise<void>;
  /** Calls once this time is over, unless the result is called before. */
  after(ms: number, call: () => void): () => void;
}

export const BROWSER: Surroundings = {
  fetch: (address, signal) => fetch(address, { signal }),
  random: () => Math.random(),
  pause: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
  after(ms, call) {
    const timer = setTimeout(call, ms);
    return () => clearTimeout(timer);
  },
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

/** Fetches a whole file, again after a failure or when nothing comes any more. */
export async function download(
  address: string,
  expected: Expected | null = null,
  surroundings: Surroundings = BROWSER,
): Promise<Uint8Array<ArrayBuffer>> {
  const backoff = new Backoff();
  for (let tried = 1; ; tried += 1) {
    const connection = new Connection(surroundings);
    try {
      const body = await connection.open(address);
      return await (expected === null ? whole(body) : counted(body, expected));
    } catch (error) {
      connection.close();
      if (tried === TRIES) throw new DownloadError(`${address}: ${error}`, { cause: error });
      await surroundings.pause(backoff.next(surroundings.random()));
    }
  }
}

/** What comes of a file, part by part. */
type Parts = AsyncIterable<Uint8Array>;

/** One try. It fails when nothing comes for too long. */
class Connection {
  readonly #abort = new AbortController();

  constructor(private readonly surroundings: Surroundings) {}

  async open(address: string): Promise<Parts> {
    const answer = this.surroundings.fetch(address, this.#abort.signal);
    const response = await this.#inTime(answer);
    if (!response.ok) throw new Error(`the server answered ${response.status} for ${address}`);
    return this.#parts(response);
  }

  close(): void {
    this.#abort.abort();
  }

  async *#parts({ body }: Response): Parts {
    const reader = body?.getReader();
    while (reader) {
      const { done, value } = await this.#inTime(reader.read());
      if (done) return;
      yield value;
    }
  }

  #inTime<T>(work: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      const late = () => reject(new Error(`nothing came for ${STALLED_MS / 1000} s`));
      const stop = this.surroundings.after(STALLED_MS, late);
      work.then(resolve, reject).finally(stop);
    });
  }
}

async function whole(parts: Parts): Promise<Uint8Array<ArrayBuffer>> {
  const chunks: Uint8Array<ArrayBuffer>[] = [];
  for await (const part of parts) chunks.push(part as Uint8Array<ArrayBuffer>);
  return new Uint8Array(await new Blob(chunks).arrayBuffer());
}

async function counted(
  parts: Parts,
  { bytes, handleBytes }: Expected,
): Promise<Uint8Array<ArrayBuffer>> {
  const content = new Uint8Array(bytes);
  let count = 0;
  handleBytes(0);
  for await (const part of parts) {
    if (count + part.length > bytes) throw new Error(`more than ${bytes} bytes came`);
    content.set(part, count);
    count += part.length;
    handleBytes(count);
  }
  if (count !== bytes) throw new Error(`${count} of ${bytes} bytes came`);
  return content;
}
