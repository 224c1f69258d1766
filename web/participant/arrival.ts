/** What arriving needs of the browser; a test brings its own. */
export interface Surroundings {
  readonly path: string;
  /** Asks the server for a new participant. */
  request(): Promise<Response>;
  pause(ms: number): Promise<void>;
  random(): number;
  /** Changes the page's address without loading it. */
  replacePath(path: string): void;
}

const BROWSER: Surroundings = {
  get path() {
    return location.pathname;
  },
  request: () => fetch("/api/participants", { method: "POST" }),
  pause: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
  random: () => Math.random(),
  replacePath: (path) => history.replaceState(null, "", path),
};

/** Too many requests, and a service that is not available now. */
const BUSY = [429, 503];

/**
 * The token in this page's address, made by the server if the address is the study's link. Null
 * for an address that no server gave out. `handleBusy` hears whether the server is there but takes
 * nobody now.
 */
export async function arrive(
  handleBusy: (busy: boolean) => void,
  surroundings: Surroundings = BROWSER,
): Promise<string | null> {
  const token = /^\/p\/([^/]+)\/?$/.exec(surroundings.path)?.[1];
  if (token !== undefined) return decoded(token);
  for (let pause = 500; ; pause = Math.min(5000, pause * 2)) {
    const answer = await ask(surroundings);
    handleBusy(answer === "busy");
    if (typeof answer === "object") {
      // A reload, or the way back to this page, must find the same participant.
      surroundings.replacePath(answer.path);
      return answer.token;
    }
    await surroundings.pause(pause * (0.5 + surroundings.random() / 2));
  }
}

async function ask(
  surroundings: Surroundings,
): Promise<{ token: string; path: string } | "busy" | "unreachable"> {
  try {
    const response = await surroundings.request();
    if (response.ok) return (await response.json()) as { token: string; path: string };
    return BUSY.includes(response.status) ? "busy" : "unreachable";
  } catch {
    return "unreachable";
  }
}

function decoded(text: string): string | null {
  try {
    return decodeURIComponent(text);
  } catch {
    return null;
  }
}
