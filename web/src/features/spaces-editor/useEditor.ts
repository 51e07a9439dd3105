import { useEffect, useReducer, useState, type Dispatch } from "react";

import { saveSpaces } from "../../api/changes";
import type { ParkingSpace } from "../../api/client";
import { fetchSpaces, type VersionedSpaces } from "../../api/queries";
import { RequestError } from "../../api/request";
import { readDraft, writeDraft } from "./drafts";
import { emptyHistory, reduce, type Action, type History } from "./history";
import { areSame, mergeSpaces, type Merge } from "./merge";

export interface Editor {
  history: History;
  dispatch: Dispatch<Action>;
  isDirty: boolean;
  /** Changes from an earlier visit were brought back. */
  isRestored: boolean;
  isSaving: boolean;
  isSaved: boolean;
  error: Error | null;
  /** Somebody else has changed the spaces since; how both fit together. */
  conflict: Conflict | null;
  save: () => Promise<void>;
  /** Saves both together. */
  resolve: (mineHolds: ReadonlySet<string>) => Promise<void>;
  postpone: () => void;
  discard: () => void;
}

export interface Conflict {
  merge: Merge;
  theirs: VersionedSpaces;
}

/** The spaces of a camera while they are edited: history, draft, and saving without overwriting anybody. */
export function useEditor(cameraId: string, stored: VersionedSpaces): Editor {
  const [draft] = useState(() => readDraft(cameraId));
  const [base, setBase] = useState(draft?.base ?? stored);
  const [history, dispatch] = useReducer(reduce, draft?.spaces ?? stored.spaces, emptyHistory);
  const [isSaving, setSaving] = useState(false);
  const [isSaved, setSaved] = useState(false);
  const [error, setError] = useState<Error | null>(null);
  const [conflict, setConflict] = useState<Conflict | null>(null);
  const isDirty = !areSame(history.spaces, base.spaces);

  useEffect(() => {
    writeDraft(cameraId, isDirty ? { base, spaces: history.spaces } : null);
  }, [cameraId, isDirty, base, history.spaces]);

  const put = async (spaces: ParkingSpace[], on: VersionedSpaces) => {
    setSaving(true);
    setError(null);
    try {
      await checkUnchanged(cameraId, on);
      setBase(await saveSpaces(cameraId, spaces, on.version));
      dispatch({ type: "reset", spaces });
      setConflict(null);
      setSaved(true);
    } catch (problem) {
      if (problem instanceof RequestError && problem.status === 412) {
        try {
          const theirs = await fetchSpaces(cameraId);
          setConflict({ merge: mergeSpaces(on.spaces, spaces, theirs.spaces), theirs });
        } catch (again) {
          setError(again as Error);
        }
      } else {
        setError(problem as Error);
      }
    } finally {
      setSaving(false);
    }
  };

  return {
    history,
    dispatch: (action) => { setSaved(false); dispatch(action); },
    isDirty,
    isRestored: draft !== null && isDirty && history.past.length === 0,
    isSaving,
    isSaved: isSaved && !isDirty,
    error,
    conflict,
    save: () => put(history.spaces, base),
    resolve: async (mineHolds) => {
      if (conflict !== null) {
        const merged = conflict.merge.resolve(mineHolds);
        dispatch({ type: "change", spaces: merged });
        setBase(conflict.theirs);
        await put(merged, conflict.theirs);
      }
    },
    postpone: () => { setConflict(null); },
    discard: () => { dispatch({ type: "reset", spaces: base.spaces }); },
  };
}

/** A gateway that tells no version refuses nothing; there the stored spaces are looked at just before. */
async function checkUnchanged(cameraId: string, { version, spaces }: VersionedSpaces): Promise<void> {
  if (version === null && !areSame((await fetchSpaces(cameraId)).spaces, spaces)) {
    throw new RequestError(412, "");
  }
}
