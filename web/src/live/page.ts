import { useSyncExternalStore } from "react";

import { socketUrl, type ConnectionState } from "../stream/socket";
import { LiveClient } from "./client";
import type { StatusMessage } from "./messages";

/** Statuses are handed on together, so that a wall of cameras is not drawn anew for each. */
const STATUS_EVERY_MS = 250;

let client: LiveClient | null = null;
let connection: ConnectionState = "connecting";
const listeners = new Set<() => void>();
const statuses = new Map<string, StatusMessage>();
let statusTimer: ReturnType<typeof setTimeout> | undefined;
let handOn: (statuses: StatusMessage[]) => void = () => undefined;

/** The page's one live connection; opened when it is first asked for. */
export function live(): LiveClient {
  client ??= new LiveClient(socketUrl("/ws/viewer/live", window.location), {
    onState: (state) => {
      connection = state;
      for (const listener of listeners) listener();
    },
    onStatus: (message) => {
      statuses.set(message.camera_id, message);
      statusTimer ??= setTimeout(flush, STATUS_EVERY_MS);
    },
  });
  return client;
}

function flush(): void {
  statusTimer = undefined;
  const news = [...statuses.values()];
  statuses.clear();
  handOn(news);
}

/** Calls `listener` with what the live connection tells of the watched cameras, the newest of each. */
export function onStatuses(listener: (statuses: StatusMessage[]) => void): void {
  handOn = listener;
}

/** How the page's connection does. */
export function useConnection(): ConnectionState {
  return useSyncExternalStore(subscribe, () => connection);
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => { listeners.delete(listener); };
}
