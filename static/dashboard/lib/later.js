/** Runs the task in so many milliseconds, once the page is seen; never when signal has aborted.
 * @param {() => void} task
 * @param {number} ms
 * @param {AbortSignal} signal */
export function later(task, ms, signal) {
  setTimeout(() => {
    if (signal.aborted) return;
    if (document.hidden) later(task, ms, signal);
    else task();
  }, ms);
}
