import { Button, Modal, TextInput } from "@mantine/core";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";

import { deleteCamera } from "../../api/changes";
import type { CameraView } from "../../api/client";
import { camerasQuery } from "../../api/queries";
import { text } from "../../i18n";
import { Alert } from "../../shared/ui/Alert";

interface Props {
  camera: CameraView;
  onClose: () => void;
  onDeleted: () => void;
}

/** Deletes a camera once its name has been typed: nobody does that by mistake. */
export function DeleteCamera({ camera, onClose, onDeleted }: Props) {
  const queries = useQueryClient();
  const [typed, setTyped] = useState("");
  const removal = useMutation({
    mutationFn: () => deleteCamera(camera.id),
    onSuccess: async () => {
      onDeleted();
      onClose();
      await queries.invalidateQueries({ queryKey: camerasQuery.queryKey });
    },
  });
  const isRight = typed.trim() === camera.name;
  return (
    <Modal opened onClose={onClose} title={text.cameras.deleteTitle(camera.name)} closeButtonProps={{ "aria-label": text.common.close }} lockScroll={false} centered>
      <form className="form" onSubmit={(event) => { event.preventDefault(); if (isRight) removal.mutate(); }}>
        <p>{text.cameras.deleteText}</p>
        <TextInput
          label={text.cameras.deleteType(camera.name)}
          value={typed}
          onChange={(event) => { setTyped(event.currentTarget.value); }}
          autoComplete="off"
          data-autofocus
        />
        {removal.error !== null && <Alert>{removal.error.message}</Alert>}
        <div className="form-actions">
          <Button variant="default" onClick={onClose}>{text.common.cancel}</Button>
          <Button type="submit" className="dangerous-filled" disabled={!isRight} loading={removal.isPending}>{text.cameras.deleteNow}</Button>
        </div>
      </form>
    </Modal>
  );
}
