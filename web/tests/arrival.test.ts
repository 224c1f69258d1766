import { beforeEach, expect, test } from "vitest";
import { arrive, type Surroundings } from "../participant/arrival";

let answers: (() => Response)[];
let pauses: number[];
let busy: boolean[];
let paths: string[];

beforeEach(() => {
  answers = [];
  pauses = [];
  busy = [];
  paths = [];
});

function at(path: string): Promise<string | null> {
  const surroundings: Surroundings = {
    path,
    async request() {
      const answer = answers.shift();
      if (!answer) throw new Error("one request too many");
      return answer();
    },
    async pause(ms) {
      pauses.push(ms);
    },
    random: () => 1,
    replacePath: (to) => paths.push(to),
  };
  return arrive((now) => busy.push(now), surroundings);
}

const status = (code: number) => () => new Response("", { status: code });
const unreachable = () => {
  throw new TypeError("Failed to fetch");
};
const created = () => Response.json({ token: "t", path: "/p/t" }, { status: 201 });

test("an address with a token asks for nothing", async () => {
  expect(await at("/p/a%20b")).toBe("a b");
  expect(await at("/p/a/")).toBe("a");
  expect(paths).toEqual([]);
});

test("an address that cannot be read has no token", async () => {
  expect(await at("/p/%E0")).toBeNull();
});

test("the study's link makes a participant, once, and the address becomes theirs", async () => {
  answers = [created];
  expect(await at("/")).toBe("t");
  expect(paths).toEqual(["/p/t"]);
  expect(busy).toEqual([false]);
});

test("a server that is busy is told from one out of reach; both are asked again, ever slower", async () => {
  answers = [unreachable, status(429), status(503), status(500), status(429), status(429), created];
  expect(await at("/")).toBe("t");
  expect(busy).toEqual([false, true, true, false, true, true, false]);
  expect(pauses).toEqual([500, 1000, 2000, 4000, 5000, 5000]);
});
