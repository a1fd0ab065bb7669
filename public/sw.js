// Shows the offline page if the server cannot be reached. Nothing else is ever answered from here: Backstay shows what
// the server says now, or nothing.
const PAGE = '/offline.html';
const SCRIPT = '/offline.js';
const KEPT = 'backstay-offline-3';

self.addEventListener('install', (event) => {
  const keep = async () => {
    const cache = await caches.open(KEPT);
    await cache.addAll([PAGE, SCRIPT].map((file) => new Request(file, { cache: 'reload' })));
    await self.skipWaiting();
  };
  event.waitUntil(keep());
});

self.addEventListener('activate', (event) => {
  const forget = async () => {
    const names = await caches.keys();
    await Promise.all(names.filter((name) => name !== KEPT).map((name) => caches.delete(name)));
    await self.clients.claim();
  };
  event.waitUntil(forget());
});

self.addEventListener('fetch', (event) => {
  if (new URL(event.request.url).pathname === SCRIPT) {
    event.respondWith(caches.match(SCRIPT).then((kept) => kept ?? fetch(event.request)));
    return;
  }
  if (event.request.mode !== 'navigate' || event.request.method !== 'GET') return;
  const answer = async () => {
    try {
      return await fetch(event.request);
    } catch (error) {
      return (await caches.match(PAGE)) ?? Response.error();
    }
  };
  event.respondWith(answer());
});

// A click on a notification shows the page that it is about.
self.addEventListener('notificationclick', (event) => {
  event.notification.close();
  const open = async () => {
    const { href } = new URL(event.notification.data, self.location.origin);
    const pages = await self.clients.matchAll({ type: 'window', includeUncontrolled: true });
    const page = pages.find(({ url }) => url === href);
    return page ? page.focus() : self.clients.openWindow(href);
  };
  event.waitUntil(open());
});
