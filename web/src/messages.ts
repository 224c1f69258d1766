/**
 * What the page and its worker say to each other. The page draws, reads keys and owns
 * RTCPeerConnections; the worker owns the WebSocket, the DataChannels, the engine and time.
 *
 * Times that cross the border are absolute: milliseconds since 1970 (`performance.timeOrigin`
 * plus a time stamp), because page and worker count from different origins.
 */

import type { Asset } from "./generated/Asset";
import type { LinkState } from "./generated/LinkState";
import type { SignalPayload } from "./generated/SignalPayload";
import type { Status } from "./generated/Status";
import type { View } from "./generated/View";

/** An image that a game draws point by point: RGBA, row by row. 0 by 0 is none. */
export interface Pixels {
  width: number;
  height: number;
  bytes: ArrayBuffer;
}

/** One connection attempt to one other member of a session. */
export interface LinkKey {
  session: string;
  attempt: number;
  peer: number;
}

/** How far a game in Python is from being ready. */
export interface Loading {
  /** The last: it is opened, and its speed on this machine measured. */
  stage: "fetching" | "starting" | "unpacking" | "importing" | "trying";
  /** What came of all that is fetched. */
  bytes: number;
  total: number;
}

export type PageMessage =
  | { type: "start"; token: string; userAgent: string }
  | { type: "advance"; scene: number }
  | { type: "join"; scene: number }
  | { type: "leave" }
  | { type: "signal"; link: LinkKey; payload: SignalPayload }
  /** A DataChannel, transferred before its first use. */
  | { type: "channel"; link: LinkKey; channel: RTCDataChannel }
  /** A DataChannel that this browser cannot transfer: the page keeps it and posts bytes. */
  | { type: "posted_channel"; link: LinkKey; open: boolean }
  | { type: "posted_packet"; link: LinkKey; bytes: ArrayBuffer }
  /** The posted channel still held a packet, so this tick's was dropped. */
  | { type: "posted_packet_skipped"; link: LinkKey }
  | { type: "link"; link: LinkKey; state: LinkState }
  | { type: "key"; key: string; down: boolean; at: number }
  | { type: "release_keys"; at: number }
  | { type: "visible"; visible: boolean; at: number }
  /** The page's picture is empty: send everything. */
  | { type: "redraw" }
  /** Key event to the drawn frame that first used it. */
  | { type: "key_latency"; microseconds: number };

/** What changes in the picture. */
export interface Drawing {
  type: "draw";
  /** A `DrawDelta` as JSON. */
  delta: string;
  /** What lies under everything from now on, if that changes. */
  pixels: Pixels | null;
  /** The time of the newest key event that it shows the effect of. */
  keyAt: number | null;
  /** It takes back what was shown by mistake: a guess about a partner was wrong. */
  corrects: boolean;
}

export type WorkerMessage =
  | { type: "connection"; connected: boolean; rttMs: number | null }
  | { type: "welcome"; studyTitle: string }
  | { type: "view"; view: View }
  | { type: "signal"; link: LinkKey; payload: SignalPayload }
  /** A transferred DataChannel opened or closed. */
  | { type: "channel"; link: LinkKey; open: boolean }
  | { type: "posted_packet"; link: LinkKey; bytes: ArrayBuffer }
  /** Whether all is loaded that the view's game needs. */
  | { type: "ready"; ready: boolean }
  /** How far that is; null when nothing is being loaded. */
  | { type: "loading"; loading: Loading | null }
  /** A new episode: the picture starts empty, frame 0 is due at `startsAt`. */
  | { type: "episode"; session: string; episode: number; startsAt: number; assets: Asset[] }
  | Drawing
  | { type: "status"; status: Status }
  /** The game broke, and the server will end it. */
  | { type: "broken_off" }
  /** Uploads that the server has not yet confirmed to be on disk. */
  | { type: "unsaved"; uploads: number }
  /** Whether this browser keeps them when the page is closed. */
  | { type: "storage"; keeps: boolean }
  | { type: "fault"; fault: Fault };

/** What a participant cannot wait out. */
export type Fault =
  | "unknown_token"
  | "taken_over"
  | "version"
  /** The page's incarnation was lost by the server: only a fresh page can go on. */
  | "restart"
  | "engine_not_loaded"
  | "engine_failed"
  /** The server will never take what this page uploads. */
  | "upload_refused";
