import { ReconnectingSocket, type ConnectionState } from "../stream/socket";
import {
  readLiveMessage,
  RedisClock,
  type LiveFrame,
  type LiveMessage,
  type PictureKind,
  type SpacesMessage,
  type StatusMessage,
  type StillMessage,
} from "./messages";

/** A page that is hidden for this long watches nothing until it is shown again. */
export const HIDDEN_AFTER_MS = 2000;

export interface LiveHandlers {
  /** Shows a frame. The next picture of any camera comes once this has ended. */
  onFrame(frame: LiveFrame, spaces: SpacesMessage | null): Promise<void> | void;
  onStill?(message: StillMessage): void;
  onStatus?(message: StatusMessage): void;
}

export interface Wish {
  picture: PictureKind;
  /** Frames a second at most. */
  fps?: number;
}

interface Watched {
  wish: Wish;
  handlers: LiveHandlers;
}

/**
 * All cameras of a page on one connection to `/ws/viewer/live`.
 *
 * It watches again after a reconnect, watches nothing while the page is hidden, and acknowledges a picture when it has
 * been shown.
 */
export class LiveClient {
  readonly clock = new RedisClock();
  private readonly socket: ReconnectingSocket;
  private readonly watched = new Map<string, Watched>();
  private readonly spaces = new Map<string, SpacesMessage>();
  private isConnected = false;
  private isHidden = false;
  private hiddenTimer: ReturnType<typeof setTimeout> | undefined;
  private readonly onVisibility = () => { this.followVisibility(); };

  constructor(
    url: string,
    private readonly onState: (state: ConnectionState) => void = () => undefined,
    random: () => number = Math.random,
  ) {
    globalThis.document.addEventListener("visibilitychange", this.onVisibility);
    this.socket = new ReconnectingSocket(url, {
      onState: (state) => { this.followConnection(state); },
      onData: (data) => { this.receive(data); },
    }, random);
  }

  /** Watches a camera; one that is watched already is watched differently from now on. Call the result to end it. */
  watch(cameraId: string, wish: Wish, handlers: LiveHandlers): () => void {
    const watched = { wish, handlers };
    this.watched.set(cameraId, watched);
    this.ask(cameraId, watched);
    return () => {
      if (this.watched.get(cameraId) === watched) {
        this.watched.delete(cameraId);
        this.spaces.delete(cameraId);
        this.send({ op: "unwatch", camera_id: cameraId });
      }
    };
  }

  /** Ends the connection for good. */
  close(): void {
    globalThis.document.removeEventListener("visibilitychange", this.onVisibility);
    clearTimeout(this.hiddenTimer);
    this.watched.clear();
    this.socket.close();
  }

  private followConnection(state: ConnectionState): void {
    this.isConnected = state === "connected";
    if (this.isConnected) {
      this.spaces.clear(); // a new connection sends them anew
      this.askForAll();
    }
    this.onState(state);
  }

  private followVisibility(): void {
    clearTimeout(this.hiddenTimer);
    if (globalThis.document.visibilityState === "visible") {
      if (this.isHidden) {
        this.isHidden = false;
        this.askForAll();
      }
      return;
    }
    this.hiddenTimer = setTimeout(() => {
      this.isHidden = true;
      for (const cameraId of this.watched.keys()) {
        this.send({ op: "unwatch", camera_id: cameraId });
      }
    }, HIDDEN_AFTER_MS);
  }

  private askForAll(): void {
    for (const [cameraId, watched] of this.watched) {
      this.ask(cameraId, watched);
    }
  }

  private ask(cameraId: string, { wish }: Watched): void {
    if (!this.isHidden) {
      this.send({ op: "watch", camera_id: cameraId, ...wish });
    }
  }

  private send(request: object): void {
    if (this.isConnected) {
      this.socket.send(JSON.stringify(request));
    }
  }

  private receive(data: ArrayBuffer): void {
    const message = readLiveMessage(data);
    if (message !== null) {
      this.handle(message);
    }
  }

  private handle(message: LiveMessage): void {
    switch (message.type) {
      case "hello":
        this.clock.learn(message.now_ms, Date.now());
        break;
      case "spaces":
        this.spaces.set(message.camera_id, message);
        break;
      case "frame":
        void this.show(message);
        break;
      case "still":
        this.watched.get(message.camera_id)?.handlers.onStill?.(message);
        break;
      case "status":
        this.clock.learn(message.now_ms, Date.now());
        this.watched.get(message.camera_id)?.handlers.onStatus?.(message);
        break;
      case "error":
        console.warn(`the gateway refused a request: ${message.detail}`);
    }
  }

  private async show(frame: LiveFrame): Promise<void> {
    const spaces = this.spaces.get(frame.camera_id);
    try {
      const isTheirs = spaces?.version === frame.spaces;
      await this.watched.get(frame.camera_id)?.handlers.onFrame(frame, isTheirs ? spaces : null);
    } finally {
      // Also where the page could not show it, or does not watch the camera any more: others must not wait for that.
      if (frame.jpeg !== null) {
        this.send({ op: "ack" });
      }
    }
  }
}
