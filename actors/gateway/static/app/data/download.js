/**
 * A file by `fetch`, with the token's header, which a link cannot carry; it says how far it is and can be ended.
 */

import { ApiError } from "../core/api.js";
import { h } from "../core/dom.js";

const PIECE_BYTES = 8 * 1024 * 1024;

/**
 * @param {string} path @param {string} fileName
 * @param {{headers: Record<string, string>, signal: AbortSignal, onBytes: (bytes: number) => void}} options
 * @returns {Promise<number>} Bytes.
 */
export async function download(path, fileName, { headers, signal, onBytes }) {
  const answer = await fetch(path, { headers, signal, cache: "no-store" });
  if (!answer.ok) {
    const text = await answer.text();
    let problem = { detail: text.slice(0, 200) };
    try {
      problem = JSON.parse(text);
    } catch { /* a proxy's own words */ }
    throw new ApiError(answer.status, problem);
  }
  /* Pieces become blobs as they fill: the browser may put those on the disk. */
  const pieces = [];
  let waiting = [];
  let waiting_bytes = 0;
  let total_bytes = 0;
  const reader = answer.body.getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    waiting.push(value);
    waiting_bytes += value.length;
    total_bytes += value.length;
    onBytes(total_bytes);
    if (waiting_bytes >= PIECE_BYTES) {
      pieces.push(new Blob(waiting));
      waiting = [];
      waiting_bytes = 0;
    }
  }
  save(new Blob([...pieces, ...waiting], { type: answer.headers.get("content-type") ?? "" }), fileName);
  return total_bytes;
}

/** Hands a file to the browser. @param {Blob} blob @param {string} fileName */
export function save(blob, fileName) {
  const address = URL.createObjectURL(blob);
  const link = h("a", { href: address, download: fileName, hidden: true });
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(address), 60_000);
}
