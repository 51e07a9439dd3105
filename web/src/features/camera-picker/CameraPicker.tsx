import type { CameraView } from "../../api/client";

interface Props {
  cameras: CameraView[];
  selected: string | null;
  onSelect: (cameraId: string) => void;
}

/** Chooses the camera to watch. */
export function CameraPicker({ cameras, selected, onSelect }: Props) {
  const isListed = cameras.some((camera) => camera.id === selected);
  return (
    <label className="picker">
      <span>Camera</span>
      <select
        data-testid="camera-select"
        aria-label="Camera"
        value={selected ?? ""}
        onChange={(event) => { onSelect(event.target.value); }}
      >
        {selected === null && <option value="">Select a camera</option>}
        {selected !== null && !isListed && <option value={selected}>{selected}</option>}
        {cameras.map((camera) => (
          <option key={camera.id} value={camera.id}>
            {camera.name === camera.id ? camera.id : `${camera.name} (${camera.id})`}
          </option>
        ))}
      </select>
    </label>
  );
}
