/**
 * The participant's worker: the line to the server, the lines to the partners, the engine, time.
 * The page only draws, reads keys and owns what browsers keep on the main thread.
 */

import type { PageMessage, WorkerMessage } from "../src/messages";
import { Participant } from "./participant";

let participant: Participant | null = null;

self.addEventListener("message", (event: MessageEvent<PageMessage>) => {
  const message = event.data;
  if (message.type !== "start") {
    participant?.handlePage(message);
  } else if (participant === null) {
    participant = new Participant(message.token, message.userAgent, post);
    participant.start();
  }
});

function post(message: WorkerMessage, transfer: Transferable[] = []): void {
  self.postMessage(message, { transfer });
}
