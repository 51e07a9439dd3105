import { useEffect, useRef, useState, type RefObject } from "react";

/** Whether the element is on the screen, or so near that it will be soon. */
export function useOnScreen<T extends Element>(): [RefObject<T | null>, boolean] {
  const element = useRef<T>(null);
  const [isOnScreen, setOnScreen] = useState(false);
  useEffect(() => {
    const target = element.current;
    if (target === null) {
      return;
    }
    const observer = new IntersectionObserver(
      (entries) => { setOnScreen(entries.at(-1)?.isIntersecting === true); },
      { rootMargin: "100px" },
    );
    observer.observe(target);
    return () => { observer.disconnect(); };
  }, []);
  return [element, isOnScreen];
}
