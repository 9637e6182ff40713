// What the browser keeps between visits, in IndexedDB: photos, their boxes, settings, the state of a training and the trained model. Page and worker use it.

const stores = ['photos', 'boxes', 'things', 'bytes'];
let opened;

function open() {
  opened ??= new Promise((resolve, reject) => {
    const request = indexedDB.open('labelweave-browser-train', 1);
    request.onupgradeneeded = () => stores.forEach((store) => request.result.createObjectStore(store));
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
    request.onblocked = () => reject(new Error('another tab holds an older version of this page'));
  });
  return opened;
}

/** Runs one request; resolves when what it wrote is kept. */
async function ask(store, mode, request) {
  const transaction = (await open()).transaction(store, mode);
  return new Promise((resolve, reject) => {
    const asked = request(transaction.objectStore(store));
    transaction.oncomplete = () => resolve(asked.result);
    transaction.onabort = () => reject(transaction.error ?? new Error('the browser did not keep it'));
  });
}

const tableOf = (store) => ({
  get: (key) => ask(store, 'readonly', (table) => table.get(key)),
  all: () => ask(store, 'readonly', (table) => table.getAll()),
  put: (key, value) => ask(store, 'readwrite', (table) => table.put(value, key)),
  delete: (key) => ask(store, 'readwrite', (table) => table.delete(key)),
});

/** id -> { id, name, width, height, blob, thumb } */
export const photos = tableOf('photos');
/** id of a photo -> [{ label, box }]: apart, so that a new box does not write the photo again. */
export const boxes = tableOf('boxes');
/** Labels, ids of bare photos, settings, the run that was begun, the trained model. */
export const things = tableOf('things');
/** A ByteStore for the checkpoint of trainHeads. */
export const bytes = tableOf('bytes');

export async function forgetAll() {
  for (const store of stores) await ask(store, 'readwrite', (table) => table.clear());
}
