/** Lets the browser show a notice where a page cannot be loaded, and offer to install the page. Browsers allow it over
 *  HTTPS and on the device itself only; elsewhere they say in their own words that they cannot load the page. */
export function prepareForOffline(): void {
  if (!window.isSecureContext || !("serviceWorker" in navigator)) return;
  const register = () => {
    navigator.serviceWorker.register("/offline-worker.js").catch(() => undefined); // the page works without
  };
  if (document.readyState === "complete") register();
  else window.addEventListener("load", register); // after what the page itself needs
}
