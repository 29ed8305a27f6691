/**
 * What has been seen of each topic: doubles are left out, holes are counted, a break can be resumed from here. Pure.
 */

/**
 * @typedef {object} Verdict
 * @property {boolean} isNew False: seen before, leave it out.
 * @property {number} missed Messages that were lost just before this one.
 */

export class Sequence {
  constructor() {
    /** The server's run that the numbers belong to. */
    this.stream = "";
    /** @type {Map<string, number>} Topic to the newest number seen. */
    this.seen = new Map();
    this.missed = 0;
    this.doubles = 0;
  }

  /**
   * A connection greeted us.
   * @param {string} stream
   * @returns {boolean} Whether it is the same run of the server, so that we may resume.
   */
  greet(stream) {
    const isSame = this.stream !== "" && this.stream === stream;
    if (!isSame) this.seen.clear();
    this.stream = stream;
    return isSame;
  }

  /**
   * @param {{topic: string, seq: number, t: string, conflated?: number}} message
   * @returns {Verdict}
   */
  take({ topic, seq, t, conflated = 1 }) {
    const last = this.seen.get(topic);
    if (t === "snapshot") {
      this.seen.set(topic, Math.max(last ?? 0, seq ?? 0));
      return { isNew: true, missed: 0 };
    }
    if (!(seq > 0)) return { isNew: true, missed: 0 };
    if (last !== undefined && seq <= last) {
      this.doubles += 1;
      return { isNew: false, missed: 0 };
    }
    const missed = last === undefined ? 0 : Math.max(0, seq - last - Math.max(1, conflated));
    this.missed += missed;
    this.seen.set(topic, seq);
    return { isNew: true, missed };
  }

  /** Forgets topics that nobody wants any more. @param {(topic: string) => boolean} isWanted */
  prune(isWanted) {
    for (const topic of [...this.seen.keys()]) if (!isWanted(topic)) this.seen.delete(topic);
  }
}

const BASE_MS = 400;
const CAP_MS = 10_000;

/**
 * Pause before the next attempt: doubles up to a cap, with jitter so that many browsers do not come at once. Pure.
 * @param {number} failures In a row, from 1.
 * @param {() => number} [random] 0 to 1.
 * @returns {number} ms
 */
export function backoff(failures, random = Math.random) {
  const most = Math.min(CAP_MS, BASE_MS * 2 ** Math.min(10, failures - 1));
  return most / 2 + (most / 2) * random();
}
