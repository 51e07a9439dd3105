import { Button } from "@mantine/core";
import { useEffect, useRef, useState, type RefObject } from "react";

import { probeCamera } from "../../api/changes";
import type { ProbeResult } from "../../api/client";
import { sentence } from "../../api/request";
import { text } from "../../i18n";
import { oneDigit } from "../../shared/format";
import { probeProblem } from "../../shared/reasons";
import { Alert } from "../../shared/ui/Alert";
import { tipFor } from "./tips";

interface Props {
  address: string;
  /** What is wrong with the address itself. */
  problem: string | null;
  cameraId: string | null;
  /** What tries the address when it is clicked. */
  button: RefObject<HTMLButtonElement | null>;
  onCheck: () => void;
  /** A picture has come. */
  onWorks: () => void;
}

type Outcome = { address: string; result: ProbeResult } | { address: string; error: string };

/** Tries an address before it is saved: its picture, or what is wrong and what to try. */
export function Probe({ address, problem, cameraId, button, onCheck, onWorks }: Props) {
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
      const result = await probeCamera(address, cameraId, abort.signal);
      setOutcome({ address, result });
      if (result.ok) onWorks();
    } catch (error) {
      if (!abort.signal.aborted) setOutcome({ address, error: (error as Error).message });
    }
    if (!abort.signal.aborted) setTrying(false);
  };

  const current = outcome?.address === address ? outcome : null; // of another address it says nothing
  return (
    <div className="probe" aria-live="polite">
      <Button ref={button} variant="light" loading={isTrying} onClick={() => void tryIt()}>{text.cameras.probe}</Button>
      {isTrying && <p className="hint">{text.cameras.probing}</p>}
      {current !== null && ("error" in current ? <Alert>{current.error}</Alert> : <Result result={current.result} />)}
    </div>
  );
}

function Result({ result }: { result: ProbeResult }) {
  if (!result.ok) {
    return (
      <div className="alert" role="alert">
        <p><strong>{sentence(probeProblem(result))}</strong></p>
        <p>{`${text.cameras.tryThis}: ${tipFor(result.cause)}`}</p>
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
