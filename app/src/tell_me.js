/* Desktop notifications for people who asked for them: when one op ends, or whenever something turns bad. The page's
   WebAssembly hands over what it hears. While anybody waits for news, a hidden tab keeps its stream (`data-tell`). */
{
  const [OPS, BAD] = ['backstay.tell', 'backstay.tell-bad'];
  const ops = () => (sessionStorage.getItem(OPS) ?? '').split(' ').filter(Boolean);
  const note = (ids = ops()) => {
    sessionStorage.setItem(OPS, ids.join(' '));
    document.documentElement.toggleAttribute('data-tell', ids.length > 0 || Boolean(localStorage.getItem(BAD)));
  };
  const isAllowed = async () => (await window.Notification?.requestPermission()) === 'granted';
  const show = async (title, body, op) => {
    const options = { body, tag: op || title, icon: '/icon-192.png', data: op ? `/ops/${op}` : '/notices' };
    const worker = await navigator.serviceWorker?.getRegistration();
    if (worker) await worker.showNotification(title, options);
    else new Notification(title, options);
  };
  window.backstayTold = (op, isBad, title, body) => {
    const waiting = ops();
    const isAwaited = waiting.includes(op) && !isBad;
    if (isAwaited) note(waiting.filter((id) => id !== op));
    else if (!isBad || !localStorage.getItem(BAD) || document.hasFocus()) return;
    // Refused if the person has taken the permission back.
    show(title, body, op).catch(() => {});
  };
  document.addEventListener('click', async ({ target }) => {
    const button = target.closest?.('[data-tell-op]');
    if (!button) return;
    const allowed = await isAllowed();
    if (allowed) note([...ops(), button.dataset.tellOp]);
    button.textContent = allowed ? 'You will be notified' : 'Notifications are blocked';
    button.disabled = true;
  });
  document.addEventListener('change', async ({ target }) => {
    if (!target.matches?.('[data-tell-bad]')) return;
    const wanted = target.checked && (await isAllowed());
    target.checked = wanted;
    if (wanted) localStorage.setItem(BAD, '1');
    else localStorage.removeItem(BAD);
    note();
  });
  // Without storage, there are no notifications.
  try {
    note();
  } catch {}
}
