/* Writes every time on the page: before the first paint, when elements change, and as time passes. The server knows
   neither the time zone nor when the page is read, so it writes UTC in full. `time.rs` has the same words for lengths,
   and its tests compare the two. */
{
  const root = document.documentElement;
  const here = Intl.DateTimeFormat().resolvedOptions().timeZone || 'local time';
  const two = (number) => String(number).padStart(2, '0');
  const seconds = (from, to) => Math.max(0, Math.trunc((to - from) / 1000));
  const count = (number, unit) => `${number} ${unit}${number === 1 ? '' : 's'}`;
  const rough = (length) => {
    if (length < 60) return `${length} s`;
    if (length < 3600) return `${Math.trunc(length / 60)} min`;
    if (length < 86400) return `${Math.trunc(length / 3600)} h`;
    const days = Math.trunc(length / 86400);
    if (days < 31) return count(days, 'day');
    return days < 730 ? count(Math.trunc((days * 12) / 365), 'month') : count(Math.trunc(days / 365), 'year');
  };
  const counted = (length) => {
    const [hours, minutes] = [Math.trunc(length / 3600), Math.trunc(length / 60) % 60];
    return (hours ? `${hours}:${two(minutes)}` : minutes) + `:${two(length % 60)}`;
  };
  // The browser's own form of dates. A formatter is slow to make, and fast to use.
  const minute = { day: 'numeric', month: 'short', hour: '2-digit', minute: '2-digit' };
  const full = new Intl.DateTimeFormat(undefined, {
    weekday: 'short', day: 'numeric', month: 'short', year: 'numeric', hour: '2-digit', minute: '2-digit', second: '2-digit',
  });
  const dayForm = new Intl.DateTimeFormat(undefined, {
    weekday: 'long', day: 'numeric', month: 'long', year: 'numeric', timeZone: 'UTC',
  });
  let isUtc, sameYear, otherYear;
  const use = (zone) => {
    isUtc = zone === 'utc';
    root.dataset.zone = isUtc ? 'utc' : 'local';
    const options = isUtc ? { ...minute, timeZone: 'UTC', timeZoneName: 'short' } : minute;
    sameYear = new Intl.DateTimeFormat(undefined, options);
    otherYear = new Intl.DateTimeFormat(undefined, { ...options, year: 'numeric' });
  };
  const year = (at) => (isUtc ? at.getUTCFullYear() : at.getFullYear());
  const words = {
    moment: (at, now) => (year(at) === year(now) ? sameYear : otherYear).format(at),
    day: (at) => dayForm.format(at),
    ago: (at, now) => (now - at < 5000 ? 'just now' : `${rough(seconds(at, now))} ago`),
    until: (at, now) => `in ${rough(seconds(now, at))}`,
    for: (at, now) => `for ${rough(seconds(at, now))}`,
    elapsed: (at, now) => counted(seconds(at, now)),
  };
  // The moment to the second, here and in UTC: two people in two zones can agree on it.
  const pinned = (at) => {
    const iso = at.toISOString();
    const day = at.getDate() === at.getUTCDate() ? '' : `${iso.slice(0, 10)} `;
    return `${full.format(at)} (${here}) · ${day}${iso.slice(11, 19)} UTC`;
  };
  const say = (time) => {
    const { dataset, dateTime, firstChild } = time;
    const written = words[dataset.as];
    if (!written || firstChild?.nodeType !== 3) return;
    const at = new Date(dateTime);
    const text = written(at, new Date());
    if (firstChild.data !== text) firstChild.data = text;
    if (time.said !== dateTime && dataset.as !== 'day') time.title = pinned(at);
    time.said = dateTime;
  };
  // Titles in pictures hold moments as machines write them.
  const retitle = (title) => {
    title.written ??= title.textContent;
    const text = title.written.replace(/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ/g, (at) => words.moment(new Date(at), new Date()));
    if (text !== title.textContent) title.textContent = text;
  };
  const label = (button) => {
    const [shown, other] = isUtc ? ['UTC', here] : [here, 'UTC'];
    button.disabled = false;
    button.firstChild.data = `Times in ${shown}`;
    button.title = `Show times in ${other}`;
  };
  const every = (inside, selector, run) => {
    if (inside.matches?.(selector)) run(inside);
    inside.querySelectorAll?.(selector).forEach(run);
  };
  const write = (inside) => {
    every(inside, 'time', say);
    every(inside, 'svg title', retitle);
    every(inside, 'button.zone', label);
  };
  let stored;
  try {
    stored = localStorage.getItem('backstay.zone');
  } catch {
    // Without storage the choice lasts for this page.
  }
  use(stored);
  const times = document.getElementsByTagName('time');
  let done = 0;
  // An element that nothing follows yet may be parsed only in part.
  const isWhole = (node) => {
    while (node && !node.nextSibling) node = node.parentNode;
    return node !== null;
  };
  const parsed = new MutationObserver(() => {
    for (; done < times.length && isWhole(times[done]); done += 1) say(times[done]);
  });
  parsed.observe(document, { childList: true, subtree: true });
  const changed = (records) => {
    for (const { type, target, addedNodes } of records) {
      if (type === 'attributes') say(target);
      else for (const node of addedNodes) if (node.nodeType === 1) write(node);
    }
  };
  // Once the whole page is parsed: before any other script runs, and so before the next paint.
  document.addEventListener('readystatechange', () => {
    parsed.disconnect();
    write(document);
    new MutationObserver(changed).observe(document, { childList: true, subtree: true, attributeFilter: ['datetime'] });
  }, { once: true });
  setInterval(() => document.querySelectorAll('time:not([data-as=moment], [data-as=day])').forEach(say), 1000);
  document.addEventListener('click', ({ target }) => {
    if (!target.closest?.('button.zone')) return;
    use(isUtc ? 'local' : 'utc');
    try {
      localStorage.setItem('backstay.zone', root.dataset.zone);
    } catch {
      // As above.
    }
    write(document);
    // For whatever groups by days.
    dispatchEvent(new Event('zone'));
  });
}
