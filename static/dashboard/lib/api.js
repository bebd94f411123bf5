/** Requests to the server.  A token is kept for this tab only and sent as a header,
 * never in a URL. */

const KEY = "moonledger.token";

export class Refused extends Error {
  constructor(status, text) {
    super(text);
    this.status = status;
  }
}

export const token = {
  get: () => sessionStorage.getItem(KEY),
  set: (value) => sessionStorage.setItem(KEY, value),
};

export function headers(more = {}) {
  const bearer = token.get();
  return bearer ? { ...more, authorization: `Bearer ${bearer}` } : more;
}

async function check(response) {
  if (response.ok) return response;
  const body = await response.json().catch(() => ({}));
  const detail = typeof body.detail === "string"
    ? body.detail
    : body.detail?.map((d) => `${d.loc.join(".")}: ${d.msg}`).join("; ");
  throw new Refused(response.status, detail ?? response.statusText);
}

export async function request(path, options = {}) {
  const response = await fetch(path, { ...options, headers: headers(options.headers) });
  return check(response);
}

export const get = async (path, query, signal) =>
  (await request(query ? `${path}?${query}` : path, { signal })).json();
export const getText = async (path) => (await request(path)).text();
export const post = async (path) => (await request(path, { method: "POST" })).json();
