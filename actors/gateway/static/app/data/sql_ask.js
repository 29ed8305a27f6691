/**
 * One question in SQL. Integers that a JavaScript number cannot hold (nanoseconds, ids) stay as the text they came as.
 */

import { ApiError } from "../core/api.js";

const PATIENCE_MS = 60_000; // the gateway itself ends it earlier

/**
 * JSON with whole numbers kept. Pure.
 * @param {string} text
 * @returns {any}
 */
export function parseExact(text) {
  return JSON.parse(text, (_key, value, context) =>
    (typeof value === "number" && Number.isInteger(value) && !Number.isSafeInteger(value) ? (context?.source ?? value) : value));
}

/**
 * @typedef {object} Result
 * @property {{name: string, type: string}[]} columns @property {any[][]} rows @property {boolean} is_truncated
 * @property {number} elapsed_s
 */

/**
 * @param {import("../core/api.js").Api} api @param {{sql: string, limit: number}} question @param {AbortSignal} signal
 * @returns {Promise<Result>}
 */
export async function askSql(api, question, signal) {
  let answer;
  let text;
  try {
    answer = await fetch("/api/v1/query", {
      method: "POST",
      headers: { Accept: "application/json", "Content-Type": "application/json", ...api.headers() },
      body: JSON.stringify(question),
      signal: AbortSignal.any([signal, AbortSignal.timeout(PATIENCE_MS)]),
      cache: "no-store",
    });
    text = await answer.text();
  } catch (fault) {
    if (signal.aborted) throw fault;
    throw new ApiError(0, { code: "unreachable", detail: "The gateway does not answer. Is it running? tapehub status" });
  }
  if (answer.ok) return parseExact(text);
  let problem = { detail: text.slice(0, 200) };
  try {
    problem = JSON.parse(text);
  } catch { /* a proxy's own words */ }
  throw new ApiError(answer.status, problem);
}
