/** The service worker of the page without a service: all files from the cache, safe headers on. */

/* global CONTENTS, importScripts, clients, skipWaiting */
importScripts("./contents.js"); // the builder's: a version, the files, the headers

const { version, files, headers } = CONTENTS;
const PREFIX = "gafas-";
const NAME = PREFIX + version;

self.addEventListener("install", (event) => event.waitUntil(fill()));
self.addEventListener("activate", (event) => event.waitUntil(takeOver()));
self.addEventListener("message", ({ data }) => {
  if (data === "use") skipWaiting(); // a page in use decides when
});
self.addEventListener("fetch", (event) => {
  const { method, url } = event.request;
  if (method !== "GET" || !url.startsWith(self.registration.scope)) return;
  event.respondWith(answer(event.request));
});

async function fill() {
  const cache = await caches.open(NAME);
  const requests = files.map((file) => new Request(file, { cache: "no-cache" }));
  await cache.addAll(requests);
}

async function takeOver() {
  const names = await caches.keys();
  const old = names.filter((name) => name.startsWith(PREFIX) && name !== NAME);
  await Promise.all(old.map((name) => caches.delete(name)));
  await clients.claim();
}

async function answer(request) {
  const cache = await caches.open(NAME);
  const found = await cache.match(findFile(request.url), { ignoreSearch: true });
  const response = found ?? (await fetch(request));
  const safe = new Headers(response.headers);
  for (const [name, value] of Object.entries(headers)) safe.set(name, value);
  const { status, statusText } = response;
  return new Response(response.body, { status, statusText, headers: safe });
}

function findFile(url) {
  const { scope } = self.registration;
  const [path] = url.split(/[?#]/);
  return path === scope ? `${scope}index.html` : path;
}
