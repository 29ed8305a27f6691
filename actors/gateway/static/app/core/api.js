/**
 * REST: JSON in, JSON out, refusals as errors with what the server said of them.
 */

const TOKEN = "tapehub.token";
const PATIENCE_MS = 10_000;

/** A refusal of the server (RFC 9457), or no answer at all (`status` 0, code `unreachable`). */
export class ApiError extends Error {
  /** @param {number} status @param {Record<string, any>} problem */
  constructor(status, problem) {
    super(problem.detail || problem.title || `HTTP ${status}`);
    this.name = "ApiError";
    this.status = status;
    this.code = problem.code ?? "";
    this.problem = problem;
  }
}

/**
 * @typedef {object} Api
 * @property {(path: string, query?: Record<string, any>, options?: {signal?: AbortSignal}) => Promise<any>} get `path`
 *   is below `/api/v1/`: `get("bars/BTC_USDT", {tf: "1m"})`; empty query values are left out.
 * @property {(path: string, body?: any) => Promise<any>} post
 * @property {() => Record<string, string>} headers With the token, for a `fetch` of one's own.
 * @property {() => string} token Empty where none is known.
 * @property {(token: string) => void} setToken Kept for this tab only.
 * @property {(run: () => void) => () => void} onUnauthorized
 */

/**
 * @param {import("./clock.js").Clock} clock
 * @returns {Api}
 */
export function createApi(clock) {
  const listeners = new Set();
  const authorization = () => {
    const token = sessionStorage.getItem(TOKEN);
    return token ? { Authorization: `Bearer ${token}` } : {};
  };

  async function ask(method, path, { query = {}, body, signal } = {}) {
    const headers = { Accept: "application/json", ...authorization() };
    if (body !== undefined) headers["Content-Type"] = "application/json";
    const patience = AbortSignal.timeout(PATIENCE_MS);
    let answer;
    try {
      answer = await fetch(address(path, query), {
        method,
        headers,
        body: body === undefined ? undefined : JSON.stringify(body),
        signal: signal ? AbortSignal.any([signal, patience]) : patience,
        cache: "no-store",
      });
    } catch (fault) {
      if (signal?.aborted) throw fault;
      const detail = "The gateway does not answer. Is it running? tapehub status";
      throw new ApiError(0, { code: "unreachable", detail });
    }
    const text = await answer.text();
    const json = parse(text);
    if (answer.ok) {
      if (json?.ts_ns) clock.learn(json.ts_ns);
      return json;
    }
    if (answer.status === 401) for (const run of [...listeners]) run();
    throw new ApiError(answer.status, json ?? { detail: text.slice(0, 200) });
  }

  return {
    get: (path, query, options) => ask("GET", path, { query, ...options }),
    post: (path, body) => ask("POST", path, { body }),
    headers: authorization,
    token: () => sessionStorage.getItem(TOKEN) ?? "",
    setToken(token) {
      if (token) sessionStorage.setItem(TOKEN, token);
      else sessionStorage.removeItem(TOKEN);
    },
    onUnauthorized(run) {
      listeners.add(run);
      return () => listeners.delete(run);
    },
  };
}

function parse(text) {
  try {
    return text ? JSON.parse(text) : null;
  } catch {
    return null;
  }
}

/** Where a question goes. Pure. @param {string} path @param {Record<string, any>} query */
export function address(path, query = {}) {
  const kept = Object.entries(query).filter(([, value]) => value !== "" && value !== null && value !== undefined);
  const text = new URLSearchParams(kept.map(([key, value]) => [key, String(value)])).toString();
  const base = path.startsWith("/") ? path : `/api/v1/${path}`;
  return text ? `${base}?${text}` : base;
}
