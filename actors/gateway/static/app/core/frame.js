/**
 * One animation frame for everybody: work asked for several times before the frame is done once, in it.
 *
 * While paused, nothing is drawn; what was asked for is kept and drawn at the end of the pause.
 */

const LEAST_MS = 30;
/* Two drawings of one key are at least this far apart, unless it asks for more: nobody reads a table 30 times a second. */

/**
 * @typedef {object} Frame
 * @property {(key: any, run: (now_ms: number) => void, least_ms?: number) => void} request The newest `run` of a key
 *   wins; `least_ms` is its least pause between two drawings.
 * @property {(key: any) => void} cancel
 * @property {(paused: boolean) => void} pause
 * @property {() => boolean} isPaused
 * @property {() => {frames: number, longest_ms: number}} measure
 */

/** @returns {Frame} */
export function createFrame() {
  let wanted = new Map();
  let isScheduled = false;
  let isPaused = false;
  const last_ms = new Map();
  const measured = { frames: 0, longest_ms: 0 };

  function schedule() {
    if (isScheduled || isPaused || wanted.size === 0) return;
    isScheduled = true;
    requestAnimationFrame(draw);
  }

  function draw(now_ms) {
    isScheduled = false;
    if (isPaused) return;
    const due = wanted;
    wanted = new Map();
    const begin = performance.now();
    for (const [key, one] of due) {
      if (now_ms - (last_ms.get(key) ?? -Infinity) < one.least_ms - 1) {
        if (!wanted.has(key)) wanted.set(key, one);
        continue;
      }
      last_ms.set(key, now_ms);
      try {
        one.run(now_ms);
      } catch (error) {
        console.error(error); // one view's mistake must not stop the others
      }
    }
    measured.frames += 1;
    measured.longest_ms = Math.max(measured.longest_ms, performance.now() - begin);
    schedule();
  }

  return {
    request(key, run, least_ms = LEAST_MS) {
      wanted.set(key, { run, least_ms });
      schedule();
    },
    cancel(key) {
      wanted.delete(key);
      last_ms.delete(key);
    },
    pause(paused) {
      isPaused = paused;
      schedule();
    },
    isPaused: () => isPaused,
    measure: () => ({ ...measured }),
  };
}
