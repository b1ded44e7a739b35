/** This machine, by its names: without authentication an engine speaks to nobody else. */

export function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || /^127\.[0-9]{1,3}\.[0-9]{1,3}\.[0-9]{1,3}$/.test(host);
}

/** No Origin (a program), or a page served from this machine. */
export function isOwnOrigin(origin: string): boolean {
  return origin === "" || isLoopback(hostOf(origin));
}

/**
 * The Host that was asked for is this machine. A page can point a name of its own at 127.0.0.1 (DNS rebinding), and its
 * GETs bear no Origin then; but they bear that name.
 */
export function isOwnHost(host: string): boolean {
  return isLoopback(hostOf(`http://${host}`));
}

function hostOf(url: string): string {
  try {
    return new URL(url).hostname.replace(/^\[|\]$/g, "");
  } catch {
    return "";
  }
}
