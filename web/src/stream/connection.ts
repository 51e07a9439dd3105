import { readFrameMessage, type FrameMessage } from "./message";
import { ReconnectingSocket, socketUrl, type ConnectionState } from "./socket";

export { GOOD_AFTER_MS, PING_EVERY_MS, SILENCE_MAX_MS, type ConnectionState } from "./socket";

export interface StreamHandlers {
  onState(state: ConnectionState): void;
  onFrame(message: FrameMessage): void;
}

/** The viewer's end of one camera's stream on the reference's route. */
export class StreamConnection extends ReconnectingSocket {
  constructor(url: string, handlers: StreamHandlers, random: () => number = Math.random) {
    super(url, {
      onState: (state) => { handlers.onState(state); },
      onData: (data) => {
        const message = readFrameMessage(data);
        if (message !== null) {
          handlers.onFrame(message);
        }
      },
    }, random);
  }
}

/** The stream's address on the gateway that served this page. */
export function streamUrl(cameraId: string, location: Pick<Location, "protocol" | "host">): string {
  return socketUrl(`/ws/viewer/detection?camera_id=${encodeURIComponent(cameraId)}&format=binary`, location);
}
