/** A camera's address in its parts: what anybody may see, and what only the server keeps. */
export interface Address {
  /** Without user name and password. */
  url: string;
  user: string;
  password: string;
}

/** What the API shows in place of a password, and takes back for "as it is". */
export const HIDDEN = "***";

const WITH_LOGIN = /^([a-z][a-z0-9+.-]*:\/\/)([^/?#@]*)@(.*)$/i;

const HAS_SCHEME = /^[a-z][a-z0-9+.-]*:\/\//i;
const HOST = /^([^\s/@:]+(:[^\s/@]*)?@)?[\w.-]+(:\d{1,5})?([/?].*)?$/;
const RTSP_PORT = /^([^/?@]*@)?[^/?:]+:(8?554)(?=$|[/?])/;

/** An address with a scheme in front: `192.168.1.20/stream` begins with `http://`, one with RTSP's usual port with `rtsp://`. */
export function withScheme(typed: string): string {
  const url = typed.trim();
  if (url === "" || HAS_SCHEME.test(url) || !HOST.test(url)) {
    return url;
  }
  return `${RTSP_PORT.test(url) ? "rtsp" : "http"}://${url}`;
}

/** Takes an address apart: `rtsp://ann:pw@host/s` has user `ann`, password `pw`, and the address `rtsp://host/s`. */
export function splitAddress(full: string): Address {
  const match = WITH_LOGIN.exec(full.trim());
  if (match === null) {
    return { url: full.trim(), user: "", password: "" };
  }
  const [, scheme = "", login = "", rest = ""] = match;
  const colon = login.indexOf(":");
  const [user, password] = colon < 0 ? [login, ""] : [login.slice(0, colon), login.slice(colon + 1)];
  return { url: scheme + rest, user: decode(user), password: password === HIDDEN ? HIDDEN : decode(password) };
}

/** Puts an address together. */
export function joinAddress({ url, user, password }: Address): string {
  const login = password === "" ? encodeURIComponent(user) : `${encodeURIComponent(user)}:${password === HIDDEN ? HIDDEN : encodeURIComponent(password)}`;
  return login === "" ? url.trim() : url.trim().replace(/^([a-z][a-z0-9+.-]*:\/\/)/i, (scheme) => `${scheme}${login}@`);
}

/** An id made from a name: `North lot, Gate 2` gives `north-lot-gate-2`, with a number if that is taken. */
export function idFromName(name: string, taken: readonly string[]): string {
  const plain = name.normalize("NFKD").replace(/ß/g, "ss").replace(/\p{M}/gu, "").toLowerCase();
  const base = plain.replace(/[^a-z0-9]+/g, "-").replace(/^-+|-+$/g, "").slice(0, 56) || "camera";
  let id = base;
  for (let number = 2; taken.includes(id); number += 1) {
    id = `${base}-${number}`;
  }
  return id;
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
