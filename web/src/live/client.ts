import { serverClock, type ServerClock } from "../shared/serverClock";
import { ReconnectingSocket, type ConnectionState } from "../stream/socket";
import { PageActivity } from "./activity";
import {
  readLiveMessage,
  type LiveFrame,
  type LiveMessage,
  type PictureKind,
  type SpacesMessage,
  type StatusMessage,
  type StillMessage,
} from "./messages";

/** A picture that takes longer to show is given up, so that one camera cannot hold up the others. */
export const SHOWN_WITHIN_MS = 2000;

export interface LiveHandlers {
  /** Shows a frame. The next picture of any camera comes once this has ended. */
  onFrame(frame: LiveFrame, spaces: SpacesMessage | null): Promise<void> | void;
  onStill?(message: StillMessage): void;
}

export interface Wish {
  picture: PictureKind;
  /** Frames a second at most. */
  fps?: number;
}

export interface LiveClientOptions {
  onState?: (state: ConnectionState) => void;
  /** Gets how each watched camera does: at first, when it changes, and every ten seconds. */
  onStatus?: (message: StatusMessage) => void;
  clock?: Pick<ServerClock, "learn">;
  random?: () => number;
}

interface Watched {
  wish: Wish;
  handlers: LiveHandlers;
}

/**
 * All cameras of a page on one connection to `/ws/viewer/live`.
 *
 * It watches again after a reconnect, has no connection while the page is hidden, and acknowledges a picture when it has
 * been shown.
 */
export class LiveClient {
  private readonly socket: ReconnectingSocket;
  private readonly activity: PageActivity;
  private readonly watched = new Map<string, Watched>();
  private readonly spaces = new Map<string, SpacesMessage>();
  private readonly clock: Pick<ServerClock, "learn">;
  private isConnected = false;

  constructor(url: string, private readonly options: LiveClientOptions = {}) {
    this.clock = options.clock ?? serverClock;
    this.socket = new ReconnectingSocket(url, {
      onState: (state) => { this.followConnection(state); },
      onData: (data) => { this.receive(data); },
    }, options.random);
    this.activity = new PageActivity(
      () => { this.isConnected = false; this.socket.pause(); },
      () => { this.socket.resume(); },
    );
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
    this.activity.close();
    this.watched.clear();
    this.socket.close();
  }

  private followConnection(state: ConnectionState): void {
    this.isConnected = state === "connected";
    if (this.isConnected) {
      this.spaces.clear(); // a new connection sends them anew
      for (const [cameraId, watched] of this.watched) {
        this.ask(cameraId, watched);
      }
    }
    this.options.onState?.(state);
  }

  private ask(cameraId: string, { wish }: Watched): void {
    this.send({ op: "watch", camera_id: cameraId, ...wish });
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
        this.clock.learn(message.now_ms, Date.now(), true);
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
        this.options.onStatus?.(message);
        break;
      case "error":
        console.warn(`the gateway refused a request: ${message.detail}`);
    }
  }

  private async show(frame: LiveFrame): Promise<void> {
    const spaces = this.spaces.get(frame.camera_id);
    try {
      const isTheirs = spaces?.version === frame.spaces;
      const shown = this.watched.get(frame.camera_id)?.handlers.onFrame(frame, isTheirs ? spaces : null);
      if (shown !== undefined) {
        await within(shown, SHOWN_WITHIN_MS);
      }
    } catch (error) {
      console.warn("a picture could not be shown", error);
    } finally {
      // Also where the page could not show it, or does not watch the camera any more: others must not wait for that.
      if (frame.jpeg !== null) {
        this.send({ op: "ack" });
      }
    }
  }
}

async function within(step: Promise<void>, deadlineMs: number): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<void>((resolve) => { timer = setTimeout(resolve, deadlineMs); });
  await Promise.race([step, late]);
  clearTimeout(timer);
}
