import { useQuery } from "@tanstack/react-query";
import { useMemo, useState } from "react";

import type { ParkingSpace } from "../../api/client";
import { proposalsQuery } from "../../api/queries";
import { draftsOf, type DraftSpace } from "./proposals";

export interface Proposals {
  isOn: boolean;
  isLoading: boolean;
  error: Error | null;
  /** Those that are still to be decided on. */
  drafts: DraftSpace[];
  /** The detector proposes something, be it all decided on. */
  hasAny: boolean;
  show: () => void;
  hide: () => void;
  /** Shows one no more. */
  remove: (key: string) => void;
  /** The one that the pointer is at in the list. */
  lit: string | null;
  light: (key: string | null) => void;
}

/** The spaces that the detector proposes for a camera, while they are asked for. */
export function useProposals(cameraId: string, spaces: readonly ParkingSpace[]): Proposals {
  const [isOn, setOn] = useState(false);
  const [deleted, setDeleted] = useState<ReadonlySet<string>>(new Set());
  const [lit, light] = useState<string | null>(null);
  const { data, error, isPending } = useQuery({ ...proposalsQuery(cameraId), enabled: isOn });
  const drafts = useMemo(() => (isOn ? draftsOf(data?.proposals ?? [], spaces, deleted) : []), [isOn, data, spaces, deleted]);
  return {
    isOn,
    isLoading: isPending,
    error: data === undefined ? error : null,
    drafts,
    hasAny: (data?.proposals.length ?? 0) > 0,
    show: () => { setOn(true); },
    hide: () => { setOn(false); },
    remove: (key) => { setDeleted(new Set([...deleted, key])); },
    lit,
    light,
  };
}
