import { type Browser, expect } from "@playwright/test";
import type { Detour } from "./detour";
import type { Game } from "./games";
import type { Graphics } from "./graphics";
import type { Condition } from "./network";
import { launch, Player } from "./player";
import { prepared } from "./prepared";
import { Server } from "./server";
import { SLIME, type StudyOptions } from "./study";

export interface SessionOptions extends StudyOptions {
  /** What is played, if not the native slime volleyball. */
  game?: Game;
  /** How many people come. */
  players?: number;
  condition?: Condition;
  /** The built pages to serve, if not the usual ones. */
  pages?: string;
  /** Flips one bit of the last player's state at this frame; needs pages with fault injection. */
  flipAtFrame?: number;
  /** Who paints the game, if not the processor on a plain canvas. */
  graphics?: Graphics;
  /** More arguments of the browser. */
  browser?: string[];
  /** Opens the last player's page by a detour of this making. */
  through?: (port: number) => Promise<Detour>;
  /** They stay on the first page. */
  atStart?: boolean;
}

/** A server, a browser and the people who open the study link and go into the lobby. */
export class Session {
  readonly server: Server;
  readonly browser: Browser;
  readonly players: Player[] = [];
  detour: Detour | null = null;
  /** How long its episodes may take before something is wrong, far more than they do. */
  readonly #patienceMs: number;
  readonly #game: Game;

  readonly #graphics: Graphics;

  private constructor(
    server: Server,
    browser: Browser,
    patienceMs: number,
    game: Game,
    graphics: Graphics,
  ) {
    this.server = server;
    this.browser = browser;
    this.#patienceMs = patienceMs;
    this.#game = game;
    this.#graphics = graphics;
  }

  /** With the server and the browser running, and nobody there yet. */
  static async start(options: SessionOptions = {}): Promise<Session> {
    const game = options.game ?? SLIME;
    const server = await Server.start(game.study(options), {
      pages: options.pages,
      files: game.folder,
      prepared: await prepared(game),
    });
    const browser = await launch(options.browser, options.graphics);
    const patienceMs = 60_000 + (options.episodes ?? 2) * 60_000;
    return new Session(server, browser, patienceMs, game, options.graphics ?? "canvas");
  }

  /** The people come, and go into the lobby. */
  async gather(options: SessionOptions = {}): Promise<void> {
    for (let count = options.players ?? 2; count > 0; count -= 1) await this.another();
    // One page's emulation delays and loses the packets of both directions.
    const { condition } = options;
    if (condition && (condition.oneWayMs > 0 || condition.loss > 0)) {
      await this.player(0).impose(condition);
    }
    if (options.through) this.detour = await options.through(this.server.port);
    for (const player of this.players) {
      const last = player === this.players.at(-1);
      await player.open(last && this.detour ? this.detour.url : this.server.url);
    }
    if (options.flipAtFrame !== undefined) {
      await this.player(this.players.length - 1).flipAt(options.flipAtFrame);
    }
    if (options.atStart) return;
    // The first two to enter the lobby begin to play: nobody may still be loading then.
    for (const player of this.players) await player.getReady();
    for (const player of this.players) await player.enter();
  }

  /** One person more, who has opened nothing yet. */
  async another(): Promise<Player> {
    const { keys } = this.#game;
    const player = await Player.arrive(this.browser, this.players.length, keys, this.#graphics);
    this.players.push(player);
    return player;
  }

  player(index: number): Player {
    const player = this.players[index];
    if (player === undefined) throw new Error(`there is no player ${index}`);
    return player;
  }

  /** Both press random keys until both see the last page, and no page complains. */
  async playToTheEnd(): Promise<void> {
    await this.toTheEnd();
    for (const player of this.players) {
      expect(player.complaints, `what the page of ${player.name} complained about`).toEqual([]);
    }
  }

  /** The same with whatever pages say to their console. */
  async toTheEnd(): Promise<void> {
    const press = async (player: Player) => {
      await player.sees("playing", "end");
      player.press();
    };
    await Promise.all(this.players.map(press));
    await Promise.all(this.players.map((player) => player.seesWithin(this.#patienceMs, "end")));
    await Promise.all(this.players.map((player) => player.rest()));
  }

  /** Closes the browser and stops the server; the data stay. */
  async close(): Promise<void> {
    await Promise.all(this.players.map((player) => player.leave()));
    await this.browser.close();
    await this.detour?.close();
    this.detour = null;
    await this.server.stop();
  }

  async remove(): Promise<void> {
    await this.close();
    await this.server.remove();
  }
}
