import { useEffect, useState } from "react";

import { serverClock } from "../shared/serverClock";
import { capturedAt, type Dated } from "./age";
import { StreamConnection, streamUrl, type ConnectionState } from "./connection";
import { FpsMeter } from "./fps";
import type { FrameMessage } from "./message";
import { NewestOnly } from "./newest";

/** A frame whose picture is decoded, with what belongs to it: picture and numbers always change together. */
export interface ShownFrame extends Dated {
  message: FrameMessage;
  picture: ImageBitmap;
  /** Of the picture, which is released once it is drawn. */
  size: { width: number; height: number };
  fps: number;
}

export interface Stream {
  state: ConnectionState;
  frame: ShownFrame | null;
}

/** The live stream of one camera. */
export function useStream(cameraId: string | null): Stream {
  const [stream, setStream] = useState<Stream & { cameraId: string | null }>(initial(cameraId));

  useEffect(() => {
    if (cameraId === null) {
      return;
    }
    let active = true;
    const meter = new FpsMeter();
    const update = (change: Partial<Stream>) => {
      setStream((before) => ({ ...(before.cameraId === cameraId ? before : initial(cameraId)), ...change }));
    };
    const decoder = new NewestOnly<FrameMessage>(async (message) => {
      let picture: ImageBitmap;
      try {
        picture = await createImageBitmap(new Blob([message.jpeg], { type: "image/jpeg" }));
      } catch {
        return; // a picture that this browser cannot decode: the next one is on its way
      }
      if (!active) {
        picture.close();
        return;
      }
      const [captured, shownAt] = [capturedAt(message), performance.now()];
      const latencyMs = serverClock.now() - captured;
      const size = { width: picture.width, height: picture.height };
      update({ frame: { message, picture, size, fps: meter.tick(shownAt), capturedAt: captured, shownAt, latencyMs } });
    });
    const connection = new StreamConnection(streamUrl(cameraId, window.location), {
      onState: (state) => { if (active) update({ state }); },
      onFrame: (message) => { decoder.offer(message); },
    });
    return () => {
      active = false;
      connection.close();
    };
  }, [cameraId]);

  return stream.cameraId === cameraId ? stream : initial(cameraId);
}

function initial(cameraId: string | null): Stream & { cameraId: string | null } {
  return { cameraId, state: cameraId === null ? "closed" : "connecting", frame: null };
}
