// Loads the page that the person requested as soon as the server answers.
const retry = async () => {
  try {
    await fetch(location.href, { method: 'HEAD', cache: 'no-store', signal: AbortSignal.timeout(4000) });
    location.reload();
  } catch {
    // Still not there.
  }
};
addEventListener('online', retry);
setInterval(retry, 5000);
