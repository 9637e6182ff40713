// The page's logic: loads a model package by URL with `cache: 'auto'`, shows its bytes, stops and goes on, detects in a photo.
// Another model: index.html?model=https://example.org/my-model/ (a folder that `labelweave convert` wrote).
import { drawDetections, labelColor, loadDetector } from 'labelweave';

const $ = (id) => document.getElementById(id);
const canvas = $('picture');
const context = canvas.getContext('2d');
const model = new URL(new URLSearchParams(location.search).get('model') ?? '../../dist/models/centernet-mbv3/', location.href);

let detector;
let picture;
let loading; // AbortController while the model comes.

const MB = (bytes) => `${(bytes / 1e6).toFixed(2)} MB`;

function say(text, bad = false) {
  $('status').textContent = text;
  $('status').classList.toggle('bad', bad);
}

function note(text) {
  const line = document.createElement('li');
  line.textContent = text;
  $('log').append(line);
}

/** Bytes of all files of the model together. A total of 0 is unknown: servers elsewhere may not tell. */
function showProgress(files) {
  const all = [...files.values()];
  const loaded = all.reduce((sum, file) => sum + file.loaded, 0);
  const known = all.every(({ total }) => total > 0);
  const total = all.reduce((sum, file) => sum + file.total, 0);
  if (known) $('progress').value = loaded / total;
  else $('progress').removeAttribute('value');
  $('bytes').textContent = known ? `${MB(loaded)} of ${MB(total)}` : MB(loaded);
}

async function load() {
  loading = new AbortController();
  $('stop').textContent = 'Stop';
  say('Loading the model…');
  const files = new Map(); // name -> { loaded, total }
  const start = performance.now();
  try {
    detector = await loadDetector(model, {
      cache: 'auto', // kept in the Cache API
      signal: loading.signal,
      onProgress({ phase, file, loaded, total }) {
        if (phase !== 'download') return say('Preparing…');
        if (!files.has(file)) note(`${file} begins at ${MB(loaded)}`);
        files.set(file, { loaded, total });
        showProgress(files);
      },
    });
    note(`Ready after ${((performance.now() - start) / 1000).toFixed(1)} s`);
    // Without this a browser that runs out of room may drop what it keeps.
    const persistent = await navigator.storage?.persist?.().catch(() => false);
    say(`Ready. ${detector.device.description}.${persistent ? ' The browser promises to keep the model.' : ''}`);
    $('stop').disabled = true;
    await detect();
  } catch (error) {
    if (error.name === 'AbortError') {
      note(`Stopped at ${$('bytes').textContent}`);
      say('Stopped. What has come is kept.');
    } else {
      // Errors of labelweave have a code: fetch-failed for files that do not come, or come with another SHA-256 than the manifest says.
      note(`${error.name} ${error.code ?? ''}`);
      say(error.message, true);
    }
    $('stop').textContent = error.name === 'AbortError' ? 'Go on' : 'Try again';
  } finally {
    loading = undefined;
  }
}

async function detect() {
  if (!detector || !picture) return;
  try {
    const start = performance.now();
    const detections = await detector.detect(picture);
    const ms = performance.now() - start;
    canvas.width = detections.imageWidth;
    canvas.height = detections.imageHeight;
    context.drawImage(picture, 0, 0);
    drawDetections(context, detections);
    canvas.hidden = false;
    $('hint').hidden = true;
    $('rows').replaceChildren(...[...detections].map(row));
    say(`${detections.length} objects in ${ms.toFixed(0)} ms. ${detector.device.description}.`);
  } catch (error) {
    say(error.message, true);
  }
}

function row({ label, labelIndex, score }) {
  const line = document.createElement('tr');
  const swatch = document.createElement('span');
  swatch.className = 'swatch';
  swatch.style.background = `rgb(${labelColor(labelIndex).join(' ')})`;
  const [name, value] = [document.createElement('td'), document.createElement('td')];
  name.append(swatch, label);
  value.textContent = score.toFixed(2);
  line.append(name, value);
  return line;
}

async function show(file) {
  try {
    picture = await createImageBitmap(file);
  } catch {
    return say(`${file.name || 'This file'} is not a picture that the browser can show.`, true);
  }
  await detect();
}

$('stop').addEventListener('click', () => (loading ? loading.abort() : load()));
$('forget').addEventListener('click', async () => {
  await caches.delete('labelweave-downloads');
  note('Forgotten: the next visit loads it anew');
});
$('file').addEventListener('change', (event) => event.target.files[0] && show(event.target.files[0]));
for (const type of ['dragover', 'dragleave', 'drop']) {
  $('stage').addEventListener(type, (event) => {
    event.preventDefault();
    $('stage').classList.toggle('over', type === 'dragover');
    const file = type === 'drop' && event.dataTransfer.files[0];
    if (file) show(file);
  });
}
$('controls').addEventListener('submit', (event) => event.preventDefault());

await load();
