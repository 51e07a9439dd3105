import { Button } from "@mantine/core";
import { useFullscreen } from "@mantine/hooks";
import { IconDeviceTv, IconMaximize, IconMinimize } from "@tabler/icons-react";
import { useNavigate } from "@tanstack/react-router";

import { text } from "../../i18n";
import { useWall } from "../useWall";

/** To a wall screen's view and back, and there to the full screen; nothing in a kiosk. */
export function WallButtons() {
  const { isWall, isKiosk } = useWall();
  const navigate = useNavigate();
  const { toggle, fullscreen } = useFullscreen();
  if (isKiosk) {
    return null;
  }
  const FullIcon = fullscreen ? IconMinimize : IconMaximize;
  return (
    <>
      {isWall && document.fullscreenEnabled && (
        <Button variant="default" leftSection={<FullIcon size="1.1rem" aria-hidden />} onClick={() => void toggle()}>
          {fullscreen ? text.camera.endFullScreen : text.camera.fullScreen}
        </Button>
      )}
      <Button
        variant="default"
        className="wall-button"
        leftSection={<IconDeviceTv size="1.1rem" aria-hidden />}
        aria-pressed={isWall}
        onClick={() => void navigate({ to: ".", search: isWall ? {} : { wall: 1 }, replace: true })}
      >
        {text.camera.wallView}
      </Button>
    </>
  );
}
