/* Shows failed hosts in the tab's icon and on the icon of the installed app. The server writes their number into the
   status line; once the page is alive, it writes the number to the document, or nothing if all is well. */
{
  let shown = null;
  const show = () => {
    const alarm = document.querySelector('[data-alarm]')?.dataset.alarm ?? '';
    if (alarm === shown) return;
    shown = alarm;
    document.getElementById('icon').href = alarm ? '/favicon-failed.svg' : '/favicon.svg';
    const badge = alarm ? navigator.setAppBadge?.(Number(alarm) || undefined) : navigator.clearAppBadge?.();
    // Refused where the page is not an installed app.
    badge?.catch(() => {});
  };
  new MutationObserver(show).observe(document.documentElement, { attributeFilter: ['data-alarm'] });
  document.addEventListener('readystatechange', show, { once: true });
}
