import { Button, NativeSelect } from "@mantine/core";
import { IconLayoutGrid, IconPencil } from "@tabler/icons-react";
import { Link, useNavigate } from "@tanstack/react-router";
import { memo } from "react";

import type { CameraView } from "../../api/client";
import { text } from "../../i18n";
import type { Tone } from "../../shared/cameraHealth";
import { HealthMark } from "../../shared/ui/HealthMark";
import { WallButtons } from "../../shared/ui/WallButtons";
import { useSession } from "../../shared/useSession";
import { useWall } from "../../shared/useWall";

interface Props {
  cameraId: string;
  cameras: CameraView[];
  /** How the picture does, and in words. */
  tone: Tone;
  words: string;
}

/** Which camera this is, whether its picture is a live one, and what can be done. */
export const CameraHead = memo(function CameraHead({ cameraId, cameras, tone, words }: Props) {
  const navigate = useNavigate({ from: "/cameras/$cameraId" });
  const { isWall, isKiosk, search } = useWall();
  const { mayChange } = useSession();
  const camera = cameras.find((one) => one.id === cameraId);
  const options = cameras.map(({ id, name }) => ({ value: id, label: name === id ? id : `${name} (${id})` }));
  if (camera === undefined) {
    options.unshift({ value: cameraId, label: cameraId });
  }
  return (
    <header className="page-head camera-head">
      <h1 className={isKiosk ? undefined : "visually-hidden"}>{camera?.name ?? cameraId}</h1>
      <div className="page-actions camera-choice">
        {!isKiosk && (
          <NativeSelect
            data-testid="camera-select"
            aria-label={text.camera.choose}
            value={cameraId}
            data={options}
            onChange={({ currentTarget: { value } }) => void navigate({ params: { cameraId: value }, search: (before) => before, replace: true })}
          />
        )}
        <span role="status" aria-live="polite" data-testid="connection-state"><HealthMark tone={tone} words={words} /></span>
      </div>
      <div className="page-actions">
        {mayChange && camera?.registered === true && !isWall && (
          <Button
            variant="default"
            leftSection={<IconPencil size="1.1rem" aria-hidden />}
            renderRoot={(props) => <Link to="/cameras/$cameraId/spaces" params={{ cameraId }} {...props} />}
          >
            {text.camera.editSpaces}
          </Button>
        )}
        {isWall && !isKiosk && cameras.length > 1 && (
          <Button
            variant="default"
            leftSection={<IconLayoutGrid size="1.1rem" aria-hidden />}
            renderRoot={(props) => <Link to="/" search={search} {...props} />}
          >
            {text.overview.title}
          </Button>
        )}
        <WallButtons />
      </div>
    </header>
  );
});
