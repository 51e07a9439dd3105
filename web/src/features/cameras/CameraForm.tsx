import { Button, Modal, NumberInput, PasswordInput, TextInput } from "@mantine/core";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useRef, useState } from "react";

import { addCamera, changeCamera } from "../../api/changes";
import type { CameraView } from "../../api/client";
import { camerasQuery } from "../../api/queries";
import { RequestError } from "../../api/request";
import { text } from "../../i18n";
import { Alert } from "../../shared/ui/Alert";
import { HIDDEN, idFromName, joinAddress, splitAddress, withScheme } from "./address";
import { checkField } from "./checks";
import { Probe } from "./Probe";

const FPS_DEFAULT = 10;

interface Props {
  /** The camera to change; null for a new one. */
  camera: CameraView | null;
  taken: string[];
  onClose: () => void;
  onSaved: (name: string) => void;
}

/** Adds or changes a camera. Its password goes to the server and is never shown again. */
export default function CameraForm({ camera, taken, onClose, onSaved }: Props) {
  const queries = useQueryClient();
  const stored = splitAddress(camera?.url ?? "");
  const [name, setName] = useState(camera?.name ?? "");
  const [typedId, setTypedId] = useState<string | null>(null);
  const [url, setUrl] = useState(stored.url);
  const [user, setUser] = useState(stored.user);
  const [password, setPassword] = useState("");
  const [fps, setFps] = useState<number | string>(camera?.fps ?? FPS_DEFAULT);
  const [isChecked, setChecked] = useState(false);
  const [isTried, setTried] = useState(false);

  const id = camera?.id ?? typedId ?? idFromName(name, taken);
  const keepsPassword = stored.password === HIDDEN && password === "";
  const address = joinAddress({ url: withScheme(url), user, password: keepsPassword ? HIDDEN : password });
  const problems = {
    name: checkField("name", name),
    id: camera === null ? checkField("id", id) : null,
    url: checkField("url", address),
    fps: checkField("fps", typeof fps === "number" ? fps : Number.NaN),
  };
  const isRight = Object.values(problems).every((problem) => problem === null);
  const saving = useMutation({
    mutationFn: () => {
      const common = { name: name.trim(), url: address, fps: Number(fps) };
      return camera === null ? addCamera({ id, ...common, enabled: true }) : changeCamera(camera.id, common);
    },
    onSuccess: async () => {
      onSaved(name.trim());
      onClose();
      await queries.invalidateQueries({ queryKey: camerasQuery.queryKey });
    },
  });
  const refusal = refusalOf(saving.error);
  const shown = (field: keyof typeof problems) => (isChecked || (isTried && field === "url") ? problems[field] : null) ?? (refusal?.field === field ? refusal.words : null);
  const probe = useRef<HTMLButtonElement>(null);
  const nameField = useRef<HTMLInputElement>(null);
  /** An address gets its scheme; one pasted with its log-in is taken apart, so that the password does not stay in sight. */
  const takeApart = () => {
    const parts = splitAddress(withScheme(url));
    setUrl(parts.url);
    if (parts.user !== "" || parts.password !== "") {
      setUser(parts.user);
      if (parts.password !== HIDDEN) setPassword(parts.password);
    }
  };

  return (
    <Modal
      opened
      onClose={onClose}
      title={camera === null ? text.cameras.add : text.cameras.editTitle(camera.name)}
      closeButtonProps={{ "aria-label": text.common.close }}
      size="lg"
      lockScroll={false}
    >
      <form
        className="form"
        noValidate
        onSubmit={(event) => {
          event.preventDefault();
          setChecked(true);
          if (isRight) saving.mutate();
        }}
      >
        <TextInput
          label={text.cameras.url} description={text.cameras.urlHint} required data-autofocus inputMode="url" autoComplete="off" spellCheck={false}
          value={url} error={shown("url")} onChange={(event) => { setUrl(event.currentTarget.value); }} onBlur={takeApart}
          onKeyDown={(event) => { if (event.key === "Enter" && name.trim() === "") { event.preventDefault(); probe.current?.click(); } }}
        />
        <div className="form-pair">
          <TextInput label={text.cameras.user} autoComplete="off" value={user} onChange={(event) => { setUser(event.currentTarget.value); }} />
          <PasswordInput
            label={text.cameras.password} autoComplete="new-password" value={password}
            placeholder={stored.password === HIDDEN ? text.cameras.passwordKept : undefined} description={text.cameras.passwordHint}
            inputWrapperOrder={["label", "input", "description", "error"]} visibilityToggleButtonProps={{ "aria-hidden": true }}
            onChange={(event) => { setPassword(event.currentTarget.value); }}
          />
        </div>
        <Probe address={address} problem={problems.url} cameraId={camera?.id ?? null} button={probe} onCheck={() => { setTried(true); }} onWorks={() => { if (nameField.current?.value === "") nameField.current.focus(); }} />
        <TextInput
          ref={nameField} label={text.cameras.name} description={text.cameras.nameHint} required value={name} error={shown("name")}
          onChange={(event) => { setName(event.currentTarget.value); }}
        />
        <div className="form-pair">
          {camera === null && (
            <TextInput
              label={text.cameras.id} description={text.cameras.idHint} inputWrapperOrder={["label", "input", "description", "error"]} value={id} error={shown("id")} spellCheck={false}
              onChange={(event) => { setTypedId(event.currentTarget.value); }}
            />
          )}
          <NumberInput label={text.cameras.fps} min={0.1} max={60} value={fps} error={shown("fps")} onChange={setFps} hideControls />
        </div>
        {refusal !== null && refusal.field === null && <Alert>{refusal.words}</Alert>}
        <div className="form-actions">
          <Button variant="default" onClick={onClose}>{text.common.cancel}</Button>
          <Button type="submit" loading={saving.isPending}>{camera === null ? text.cameras.add : text.common.save}</Button>
        </div>
      </form>
    </Modal>
  );
}

/** What the gateway says against it, and of which field: its details begin with the field's name. */
function refusalOf(error: Error | null): { field: string | null; words: string } | null {
  if (error === null) {
    return null;
  }
  const match = error instanceof RequestError ? /^(name|id|url|fps): (.*)$/i.exec(error.message) : null;
  return { field: match?.[1]?.toLowerCase() ?? null, words: match?.[2] ?? error.message };
}
