import type { Browser, CDPSession } from "@playwright/test";

interface Answer {
  id: number;
  error?: { message: string };
  result?: { result?: { value?: unknown }; exceptionDetails?: { text: string } };
}

/**
 * Two tabs of one window, of which one is always hidden. Playwright keeps its own pages visible
 * whatever happens, so these are spoken to without it.
 */
export class Tabs {
  readonly #devtools: CDPSession;
  readonly #waiting = new Map<number, (answer: Answer) => void>();
  #asked = 0;

  private constructor(
    devtools: CDPSession,
    private readonly study: { target: string; session: string },
    private readonly other: string,
  ) {
    this.#devtools = devtools;
    devtools.on("Target.receivedMessageFromTarget", ({ message }) => {
      const answer = JSON.parse(message) as Answer;
      this.#waiting.get(answer.id)?.(answer);
      this.#waiting.delete(answer.id);
    });
  }

  /** Opens an address in one tab, with an empty one behind it. */
  static async open(browser: Browser, url: string): Promise<Tabs> {
    const devtools = await browser.newBrowserCDPSession();
    const { browserContextId } = await devtools.send("Target.createBrowserContext");
    const create = async (url: string) =>
      (await devtools.send("Target.createTarget", { url, browserContextId })).targetId;
    const target = await create("about:blank");
    const other = await create("about:blank");
    const { sessionId } = await devtools.send("Target.attachToTarget", {
      targetId: target,
      flatten: false,
    });
    const tabs = new Tabs(devtools, { target, session: sessionId }, other);
    await tabs.#send("Page.navigate", { url });
    await tabs.show();
    return tabs;
  }

  async show(): Promise<void> {
    await this.#devtools.send("Target.activateTarget", { targetId: this.study.target });
    await this.until(`document.visibilityState === "visible"`);
  }

  async hide(): Promise<void> {
    await this.#devtools.send("Target.activateTarget", { targetId: this.other });
    await this.until(`document.visibilityState === "hidden"`);
  }

  /** Waits until an expression is true; it is looked at whenever the page says something new. */
  async until(condition: string): Promise<void> {
    await this.#evaluate(`new Promise((resolve) => {
      const look = () => { if (${condition}) resolve(true); };
      new MutationObserver(look).observe(document, { attributes: true, childList: true, subtree: true });
      document.addEventListener("visibilitychange", look);
      look();
    })`);
  }

  /** Presses a button once it can be pressed. */
  async press(selector: string): Promise<void> {
    const button = `document.querySelector(${JSON.stringify(`${selector}:enabled`)})`;
    await this.until(`${button} !== null`);
    await this.#evaluate(`${button}.click()`);
  }

  async #evaluate(expression: string): Promise<unknown> {
    const params = { expression, awaitPromise: true, returnByValue: true };
    const { result } = await this.#send("Runtime.evaluate", params);
    if (result?.exceptionDetails) throw new Error(result.exceptionDetails.text);
    return result?.result?.value;
  }

  async #send(method: string, params: object): Promise<Answer> {
    this.#asked += 1;
    const id = this.#asked;
    const answered = new Promise<Answer>((resolve) => this.#waiting.set(id, resolve));
    await this.#devtools.send("Target.sendMessageToTarget", {
      sessionId: this.study.session,
      message: JSON.stringify({ id, method, params }),
    });
    const answer = await answered;
    if (answer.error) throw new Error(`${method}: ${answer.error.message}`);
    return answer;
  }
}
