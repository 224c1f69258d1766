import { beforeEach, expect, test } from "vitest";
import type { LinkKey } from "../src/messages";
import { Links } from "../worker/links";

const LINK: LinkKey = { session: "s", attempt: 1, peer: 1 };

let log: unknown[];
let links: Links;

beforeEach(() => {
  log = [];
  links = new Links({
    handlePacket: (peer, bytes) => log.push(["packet", peer, [...bytes]]),
    handleChannel: (link, open) => log.push(["channel", link.peer, open]),
    post: (link, bytes) => log.push(["post", link.peer, [...new Uint8Array(bytes)]]),
  });
  links.begin("s", 1);
});

test("over a channel that stayed in the page, bytes are posted while it is open", () => {
  expect(links.send(1, new Uint8Array([1]))).toBe("closed");
  links.adoptPosted(LINK, true);
  expect(links.send(1, new Uint8Array([2, 3]))).toBe("sent");
  links.adoptPosted(LINK, false);
  expect(links.send(1, new Uint8Array([4]))).toBe("closed");
  expect(log).toEqual([
    ["channel", 1, true],
    ["post", 1, [2, 3]],
    ["channel", 1, false],
  ]);
});

test("posted bytes are a copy of the part that was meant: the engine goes on using its memory", () => {
  links.adoptPosted(LINK, true);
  const memory = new Uint8Array([9, 1, 2, 9]);
  links.send(1, memory.subarray(1, 3));
  memory.fill(0);
  expect(log.at(-1)).toEqual(["post", 1, [1, 2]]);
});

test("posted packets reach the engine, those of another attempt do not", () => {
  links.handlePostedPacket(LINK, new Uint8Array([5]).buffer);
  links.handlePostedPacket({ ...LINK, attempt: 0 }, new Uint8Array([6]).buffer);
  expect(log).toEqual([["packet", 1, [5]]]);
});

test("a posted channel of another attempt is not taken", () => {
  links.adoptPosted({ ...LINK, attempt: 2 }, true);
  expect(links.send(1, new Uint8Array([1]))).toBe("closed");
  expect(log).toEqual([]);
});

test("a posted channel takes the place of one that was transferred", () => {
  let closed = false;
  const channel = {
    readyState: "open",
    bufferedAmount: 0,
    close: () => {
      closed = true;
    },
  } as unknown as RTCDataChannel;
  links.adopt(LINK, channel);
  links.adoptPosted(LINK, true);
  expect(closed).toBe(true);
  expect(links.send(1, new Uint8Array([7]))).toBe("sent");
  expect(log.at(-1)).toEqual(["post", 1, [7]]);
});

test("a new attempt forgets every channel of the old one", () => {
  links.adoptPosted(LINK, true);
  expect(links.isOpen(1)).toBe(true);
  expect(links.begin("s", 1)).toBe(false);
  expect(links.isOpen(1)).toBe(true);
  expect(links.begin("s", 2)).toBe(true);
  expect(links.isOpen(1)).toBe(false);
  expect(links.send(1, new Uint8Array([1]))).toBe("closed");
});
