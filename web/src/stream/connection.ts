import { readFrameMessage, type FrameMessage } from "./message";

export type ConnectionState = "connecting" | "connected" | "reconnecting" | "closed";

export const PING_EVERY_MS = 10_000;
export const RECONNECT_AFTER_MS = 3_000;
/** The gateway sends something at least every 30 s; after this much silence the connection is dead. */
export const SILENCE_MAX_MS = 45_000;

export interface StreamHandlers {
  onState(state: ConnectionState): void;
  onFrame(message: FrameMessage): void;
}

/** The viewer's end of one camera's stream: connects, pings, and connects again until it is closed. */
export class StreamConnection {
  private socket: WebSocket | null = null;
  private pingTimer: ReturnType<typeof setInterval> | undefined;
  private reconnectTimer: ReturnType<typeof setTimeout> | undefined;
  private lastHeardAt = 0;
  private closed = false;

  constructor(
    private readonly url: string,
    private readonly handlers: StreamHandlers,
  ) {
    this.open("connecting");
  }

  /** Ends the stream for good. */
  close(): void {
    this.closed = true;
    clearTimeout(this.reconnectTimer);
    this.drop();
    this.handlers.onState("closed");
  }

  private open(state: ConnectionState): void {
    this.handlers.onState(state);
    const socket = new WebSocket(this.url);
    socket.binaryType = "arraybuffer";
    this.socket = socket;
    this.lastHeardAt = Date.now();
    socket.onopen = () => {
      this.handlers.onState("connected");
      this.pingTimer = setInterval(() => { this.ping(socket); }, PING_EVERY_MS);
    };
    socket.onmessage = (event: MessageEvent<unknown>) => {
      this.lastHeardAt = Date.now();
      if (event.data instanceof ArrayBuffer) {
        const message = readFrameMessage(event.data);
        if (message !== null) {
          this.handlers.onFrame(message);
        }
      }
    };
    socket.onclose = () => {
      if (socket === this.socket) {
        this.reconnect();
      }
    };
  }

  private ping(socket: WebSocket): void {
    if (Date.now() - this.lastHeardAt > SILENCE_MAX_MS) {
      this.reconnect(); // the network went away without a word
    } else if (socket.readyState === WebSocket.OPEN) {
      socket.send("ping");
    }
  }

  private reconnect(): void {
    this.drop();
    if (!this.closed) {
      this.handlers.onState("reconnecting");
      this.reconnectTimer = setTimeout(() => { this.open("reconnecting"); }, RECONNECT_AFTER_MS);
    }
  }

  private drop(): void {
    clearInterval(this.pingTimer);
    const socket = this.socket;
    this.socket = null;
    if (socket !== null) {
      socket.onopen = socket.onmessage = socket.onclose = null;
      socket.close();
    }
  }
}

/** The stream's address on the gateway that served this page. */
export function streamUrl(cameraId: string, location: Pick<Location, "protocol" | "host">): string {
  const scheme = location.protocol === "https:" ? "wss:" : "ws:";
  return `${scheme}//${location.host}/ws/viewer/detection?camera_id=${encodeURIComponent(cameraId)}&format=binary`;
}
