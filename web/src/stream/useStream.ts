import { useEffect, useState } from "react";

import { StreamConnection, streamUrl, type ConnectionState } from "./connection";
import { FpsMeter } from "./fps";
import type { FrameMessage } from "./message";
import { NewestOnly } from "./newest";

/** A frame whose picture is decoded, with what belongs to it: picture and numbers always change together. */
export interface ShownFrame {
  message: FrameMessage;
  picture: ImageBitmap;
  fps: number;
  /** Milliseconds from the capture to the moment the picture was ready to be drawn. */
  latencyMs: number;
}

export interface Stream {
  state: ConnectionState;
  frame: ShownFrame | null;
}

/** When the frame was captured, in milliseconds since the epoch, as well as its metadata tells. */
export function capturedAt(message: FrameMessage): number {
  const { timings, timestamp } = message.metadata;
  if (timings !== undefined) {
    return timings.captured_at;
  }
  const told = timestamp === undefined ? Number.NaN : Date.parse(timestamp);
  return Number.isNaN(told) ? message.publishedAt : told;
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
      const now = Date.now();
      update({ frame: { message, picture, fps: meter.tick(now), latencyMs: now - capturedAt(message) } });
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
