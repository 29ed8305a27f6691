/**
 * Asking again and again: never two at a time, not while nobody looks, slower while it fails.
 */

const SLOWEST_MS = 15_000;

/**
 * @param {() => Promise<void>} ask Errors slow it down; show them yourself.
 * @param {number} every_ms
 * @returns {() => void} Ends it.
 */
export function poll(ask, every_ms) {
  let timer = 0;
  let isOver = false;
  let pause_ms = every_ms;

  async function turn() {
    if (isOver) return;
    if (document.hidden) {
      timer = setTimeout(turn, every_ms);
      return;
    }
    try {
      await ask();
      pause_ms = every_ms;
    } catch {
      pause_ms = Math.min(Math.max(SLOWEST_MS, every_ms), pause_ms * 1.6);
    }
    if (!isOver) timer = setTimeout(turn, pause_ms);
  }

  const onShown = () => {
    if (document.hidden || isOver) return;
    clearTimeout(timer);
    timer = setTimeout(turn, 0);
  };
  document.addEventListener("visibilitychange", onShown);
  timer = setTimeout(turn, 0);
  return () => {
    isOver = true;
    clearTimeout(timer);
    document.removeEventListener("visibilitychange", onShown);
  };
}
