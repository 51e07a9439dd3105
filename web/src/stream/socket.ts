import { retryDelayMs } from "./backoff";

export type ConnectionState = "connecting" | "connected" | "reconnecting" | "closed";

export const PING_EVERY_MS = 10_000;
/** The gateway sends something at least every 30 s; after this much silence the connection is dead. */
export const SILENCE_MAX_MS = 45_000;
/** A connection that held this long was a good one: the next loss of it is the first again. */
export const GOOD_AFTER_MS = 5_000;
/** A page that has just woken up finds its connection closed this much later at most: then it need not wait for a new one. */
export const JUST_AWAKE_MS = 2_000;

export interface SocketHandlers {
  onState(state: ConnectionState): void;
  /** Gets each binary message. */
  onData(data: ArrayBuffer): void;
}

/**
 * A WebSocket to the gateway that connects, pings, and connects again until it is closed.
 *
 * The waits between tries grow. They end at once when the network comes back, or when `resume` is called.
 */
export class ReconnectingSocket {
  private socket: WebSocket | null = null;
  private pingTimer: ReturnType<typeof setInterval> | undefined;
  private reconnectTimer: ReturnType<typeof setTimeout> | undefined;
  private lastHeardAt = 0;
  private openedAt: number | null = null;
  private failures = 0;
  private resumedAt = -Infinity;
  private paused = false;
  private closed = false;
  private readonly stopWaiting = () => { this.retryNow(); };

  constructor(
    private readonly url: string,
    private readonly handlers: SocketHandlers,
    private readonly random: () => number = Math.random,
  ) {
    globalThis.addEventListener("online", this.stopWaiting);
    this.open("connecting");
  }

  /** Sends a message if the connection stands; otherwise nothing happens. */
  send(text: string): void {
    if (this.socket?.readyState === WebSocket.OPEN) {
      this.socket.send(text);
    }
  }

  /** Ends the connection until `resume`: nothing is sent, received or tried, and no timer runs. */
  pause(): void {
    this.paused = true;
    clearTimeout(this.reconnectTimer);
    this.drop();
  }

  /**
   * Connects at once, after `pause` or where it only waits for the next try; also where the connection turns out to have
   * ended while the page was frozen, which browsers tell only after it has been shown.
   */
  resume(): void {
    if (this.paused) {
      this.paused = false;
      this.failures = 0;
    }
    this.resumedAt = Date.now();
    this.retryNow();
  }

  /** Ends the connection for good. */
  close(): void {
    this.closed = true;
    globalThis.removeEventListener("online", this.stopWaiting);
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
      this.openedAt = Date.now();
      this.handlers.onState("connected");
      this.pingTimer = setInterval(() => { this.ping(socket); }, PING_EVERY_MS);
    };
    socket.onmessage = (event: MessageEvent<unknown>) => {
      this.lastHeardAt = Date.now();
      if (event.data instanceof ArrayBuffer) {
        this.handlers.onData(event.data);
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
    if (this.openedAt !== null && Date.now() - this.openedAt >= GOOD_AFTER_MS) {
      this.failures = 0;
    }
    this.drop();
    if (!this.closed) {
      this.handlers.onState("reconnecting");
      const isJustAwake = Date.now() - this.resumedAt < JUST_AWAKE_MS;
      this.resumedAt = -Infinity; // once
      const delayMs = isJustAwake ? 0 : retryDelayMs(this.failures, this.random());
      this.failures += 1;
      this.reconnectTimer = setTimeout(() => { this.open("reconnecting"); }, delayMs);
    }
  }

  /** Tries at once if it only waits; a try that is under way, or a connection that stands, is left alone. */
  private retryNow(): void {
    if (this.socket === null && !this.paused && !this.closed) {
      clearTimeout(this.reconnectTimer);
      this.open("reconnecting");
    }
  }

  private drop(): void {
    clearInterval(this.pingTimer);
    const socket = this.socket;
    this.socket = null;
    this.openedAt = null;
    if (socket !== null) {
      socket.onopen = socket.onmessage = socket.onclose = null;
      socket.close();
    }
  }
}

/** The address of one of the gateway's WebSockets, on the gateway that served this page. */
export function socketUrl(path: string, location: Pick<Location, "protocol" | "host">): string {
  return `${location.protocol === "https:" ? "wss:" : "ws:"}//${location.host}${path}`;
}
