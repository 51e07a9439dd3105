import { Button } from "@mantine/core";
import { useEffect, useRef, useState } from "react";

import { probeCamera } from "../../api/changes";
import type { ProbeResult } from "../../api/client";
import { sentence } from "../../api/request";
import { text } from "../../i18n";
import { oneDigit } from "../../shared/format";
import { Alert } from "../../shared/ui/Alert";
import { tipFor } from "./tips";

interface Props {
  address: string;
  /** What is wrong with the address itself. */
  problem: string | null;
  cameraId: string | null;
  onCheck: () => void;
}

type Outcome = { address: string; result: ProbeResult } | { address: string; error: string };

/** Tries an address before it is saved: its picture, or what is wrong and what to try. */
export function Probe({ address, problem, cameraId, onCheck }: Props) {
  const [outcome, setOutcome] = useState<Outcome | null>(null);
  const [isTrying, setTrying] = useState(false);
  const running = useRef<AbortController | null>(null);
  useEffect(() => () => { running.current?.abort(); }, []);

  const tryIt = async () => {
    onCheck();
    if (problem !== null) {
      return;
    }
    const abort = new AbortController();
    running.current = abort;
    setTrying(true);
    setOutcome(null);
    try {
      setOutcome({ address, result: await probeCamera(address, cameraId, abort.signal) });
    } catch (error) {
      if (!abort.signal.aborted) setOutcome({ address, error: (error as Error).message });
    }
    if (!abort.signal.aborted) setTrying(false);
  };

  const current = outcome?.address === address ? outcome : null; // of another address it says nothing
  return (
    <div className="probe" aria-live="polite">
      <Button variant="light" loading={isTrying} onClick={() => void tryIt()}>{text.cameras.probe}</Button>
      {isTrying && <p className="hint">{text.cameras.probing}</p>}
      {current !== null && ("error" in current ? <Alert>{current.error}</Alert> : <Result result={current.result} />)}
    </div>
  );
}

function Result({ result }: { result: ProbeResult }) {
  if (!result.ok) {
    const tip = `${text.cameras.tryThis}: ${tipFor(result.problem)}`;
    const said = <span lang="en">{sentence(result.problem)}</span>; // the server knows no other language
    const [first, second] = text.locale === "en" ? [said, tip] : [tip, said];
    return (
      <div className="alert" role="alert">
        <p><strong>{first}</strong></p>
        <p>{second}</p>
      </div>
    );
  }
  const facts = [result.kind, `${result.width} × ${result.height}`, text.cameras.fpsOf(oneDigit(result.fps))].filter((fact) => fact !== "");
  return (
    <div className="probe-result">
      <p className="done">{text.cameras.probeOk(facts.join(", "))}</p>
      {result.picture != null && <img src={result.picture} alt={text.cameras.probePicture} />}
    </div>
  );
}
