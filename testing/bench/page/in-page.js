/**
 * Runs in the page before the page's own scripts, and records when things happened, in milliseconds since
 * navigation began.
 */
(() => {
  const notes = { row: null, hydrated: null, heard: 0, shift: 0, long: [], frames: [] };
  window.bench = notes;
  const selector = window.benchRow;
  const look = () => {
    if (notes.row === null && document.querySelector(selector)) {
      notes.row = -1;
      // The first frame runs before the row is painted, the second after.
      requestAnimationFrame(() => requestAnimationFrame(() => (notes.row = performance.now())));
    }
    if (notes.hydrated === null && document.documentElement?.dataset.hydrated) notes.hydrated = performance.now();
  };
  new MutationObserver(look).observe(document, { subtree: true, childList: true, attributeFilter: ['data-hydrated'] });
  new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) notes.long.push({ at: entry.startTime, lasted: entry.duration });
  }).observe({ type: 'longtask', buffered: true });
  new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) if (!entry.hadRecentInput) notes.shift += entry.value;
  }).observe({ type: 'layout-shift', buffered: true });
  const listen = EventSource.prototype.addEventListener;
  EventSource.prototype.addEventListener = function (name, listener) {
    const counted = (event) => {
      if (name === 'host') notes.heard += 1;
      listener.call(this, event);
    };
    listen.call(this, name, counted);
  };
  /** Records how long each frame takes, until it is stopped; does something in each. */
  window.benchFrames = (each = () => true) =>
    new Promise((resolve) => {
      const frames = [];
      let last = performance.now();
      const step = () => {
        const now = performance.now();
        frames.push(now - last);
        last = now;
        if (each()) requestAnimationFrame(step);
        else resolve(frames.slice(1));
      };
      requestAnimationFrame(step);
    });
})();
