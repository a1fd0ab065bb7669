/* Writes times in local time before the first paint, so that nothing moves at hydration. Runs while the page is parsed.
   `time.rs` has the same words, and its tests compare the two. */
{
  const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];
  const two = (number) => String(number).padStart(2, '0');
  const seconds = (from, to) => Math.max(0, Math.trunc((to - from) / 1000));
  const rough = (length) => {
    if (length < 60) return `${length} s`;
    if (length < 3600) return `${Math.trunc(length / 60)} min`;
    if (length < 86400) return `${Math.trunc(length / 3600)} h`;
    return length < 172800 ? '1 day' : `${Math.trunc(length / 86400)} days`;
  };
  const counted = (length) => {
    const [hours, minutes] = [Math.trunc(length / 3600), Math.trunc(length / 60) % 60];
    return (hours ? `${hours}:${two(minutes)}` : minutes) + `:${two(length % 60)}`;
  };
  const words = {
    moment: (at, now) => {
      const year = at.getFullYear() === now.getFullYear() ? '' : ` ${at.getFullYear()}`;
      return `${months[at.getMonth()]} ${at.getDate()}${year}, ${two(at.getHours())}:${two(at.getMinutes())}`;
    },
    ago: (at, now) => (now - at < 5000 ? 'just now' : `${rough(seconds(at, now))} ago`),
    until: (at, now) => `in ${rough(seconds(now, at))}`,
    for: (at, now) => `for ${rough(seconds(at, now))}`,
    elapsed: (at, now) => counted(seconds(at, now)),
  };
  const times = document.getElementsByTagName('time');
  let done = 0;
  // An element that nothing follows yet may be parsed only in part.
  const isWhole = (node) => {
    while (node && !node.nextSibling) node = node.parentNode;
    return node !== null;
  };
  const put = () => {
    const all = document.readyState !== 'loading';
    for (; done < times.length && (all || isWhole(times[done])); done += 1) {
      const { dataset, dateTime, firstChild } = times[done];
      const say = words[dataset.as];
      if (say && firstChild?.nodeType === 3) firstChild.data = say(new Date(dateTime), new Date());
    }
  };
  const watch = new MutationObserver(put);
  watch.observe(document, { childList: true, subtree: true });
  // Once the whole page is parsed: before any other script runs, and so before the next paint.
  document.addEventListener('readystatechange', () => {
    watch.disconnect();
    put();
  }, { once: true });
}
