import type { IceServer } from "../../src/generated/IceServer";
import type { LinkState } from "../../src/generated/LinkState";
import type { SignalPayload } from "../../src/generated/SignalPayload";
import { SignalQueue } from "./signals";

export interface PeerLinkHandlers {
  signal(payload: SignalPayload): void;
  /** The channel, not yet used, so that it can still be transferred. */
  handleChannel(channel: RTCDataChannel): void;
  handleFailed(reason: string): void;
}

/** One attempt to connect to one partner. The side with the lower index offers. */
export class PeerLink {
  readonly #connection: RTCPeerConnection;
  readonly #signals: SignalQueue;
  #closed = false;

  constructor(
    private readonly offers: boolean,
    iceServers: IceServer[],
    private readonly handlers: PeerLinkHandlers,
  ) {
    this.#connection = new RTCPeerConnection({ iceServers: iceServers.map(rtcIceServer) });
    this.#connection.onicecandidate = ({ candidate }) => {
      if (!candidate || candidate.candidate === "") return;
      handlers.signal({
        kind: "candidate",
        candidate: candidate.candidate,
        sdp_mid: candidate.sdpMid,
        sdp_m_line_index: candidate.sdpMLineIndex,
      });
    };
    this.#connection.onconnectionstatechange = () => {
      if (this.#connection.connectionState === "failed") this.#fail("the connection failed");
    };
    this.#signals = new SignalQueue(
      {
        describe: (payload) => this.#describe(payload),
        addCandidate: (payload) => this.#addCandidate(payload),
      },
      (error) => this.#fail(failureReason(error)),
    );
    // Agreed on both sides, so that each has its end at once and can transfer it before any use.
    const channel = this.#connection.createDataChannel("igym", {
      negotiated: true,
      id: 0,
      ordered: false,
      maxRetransmits: 0,
    });
    channel.binaryType = "arraybuffer";
    handlers.handleChannel(channel);
  }

  start(): void {
    if (this.offers) this.#offer().catch((error: unknown) => this.#fail(failureReason(error)));
  }

  handleSignal(payload: SignalPayload): void {
    if ((payload.kind === "offer") === this.offers && payload.kind !== "candidate") return;
    this.#signals.handle(payload);
  }

  /** The way that packets take, for the data. A browser that does not tell has an open link too. */
  async openState(): Promise<LinkState> {
    try {
      const { local, remote } = await candidateTypes(this.#connection);
      return { kind: "open", local, remote };
    } catch (error) {
      console.warn("the way to a partner could not be read", error);
      return { kind: "open", local: "unknown", remote: "unknown" };
    }
  }

  close(): void {
    this.#closed = true;
    this.#connection.onicecandidate = null;
    this.#connection.onconnectionstatechange = null;
    this.#connection.close();
  }

  async #offer(): Promise<void> {
    await this.#connection.setLocalDescription();
    this.#signalDescription("offer");
  }

  async #describe(payload: { kind: "offer" | "answer"; sdp: string }): Promise<void> {
    await this.#connection.setRemoteDescription({ type: payload.kind, sdp: payload.sdp });
    if (payload.kind === "answer") return;
    await this.#connection.setLocalDescription();
    this.#signalDescription("answer");
  }

  #signalDescription(kind: "offer" | "answer"): void {
    const sdp = this.#connection.localDescription?.sdp;
    if (sdp !== undefined && !this.#closed) this.handlers.signal({ kind, sdp });
  }

  async #addCandidate(payload: Extract<SignalPayload, { kind: "candidate" }>): Promise<void> {
    try {
      await this.#connection.addIceCandidate({
        candidate: payload.candidate,
        sdpMid: payload.sdp_mid,
        sdpMLineIndex: payload.sdp_m_line_index,
      });
    } catch (error) {
      // One useless candidate of several ends nothing.
      if (!this.#closed) console.warn("a connection candidate was not usable", error);
    }
  }

  #fail(reason: string): void {
    if (this.#closed) return;
    this.handlers.handleFailed(reason);
  }
}

/** What broke, short enough to be told to the server. */
export function failureReason(error: unknown): string {
  return String(error).slice(0, 200);
}

function rtcIceServer(server: IceServer): RTCIceServer {
  return {
    urls: server.urls,
    ...(server.username !== null && { username: server.username }),
    ...(server.credential !== null && { credential: server.credential }),
  };
}

/** Types of the two ICE candidates in use; "unknown" where the browser does not tell. */
async function candidateTypes(
  connection: RTCPeerConnection,
): Promise<{ local: string; remote: string }> {
  const stats = new Map<string, Record<string, unknown>>();
  for (const [id, value] of (await connection.getStats()) as unknown as Map<
    string,
    Record<string, unknown>
  >) {
    stats.set(id, value);
  }
  const all = [...stats.values()];
  const transport = all.find((entry) => entry.type === "transport");
  const pair =
    stats.get(String(transport?.selectedCandidatePairId)) ??
    all.find((entry) => entry.type === "candidate-pair" && entry.state === "succeeded");
  const typeOf = (id: unknown) => String(stats.get(String(id))?.candidateType ?? "unknown");
  return { local: typeOf(pair?.localCandidateId), remote: typeOf(pair?.remoteCandidateId) };
}
