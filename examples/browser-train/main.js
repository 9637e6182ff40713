// The page's logic: photos and labels in, a training in worker.js, the trained detector tried out and taken along. What is kept stands in album.js.
import { labelColor, loadDetector } from 'labelweave';
import centernet from 'labelweave/models/centernet-mbv3';
import * as album from './album.js';
import { drawCurves } from './chart.js';
import { readCoco, writeCoco } from './coco.js';
import { createEditor } from './editor.js';
import { describePlan, makePlan, requestOf } from './plan.js';
import { holdTraining, waitForTurn } from './tabs.js';
import { createTrial } from './trial.js';
import { zip } from './zip.js';

const $ = (id) => document.getElementById(id);
const settings = ['epochs', 'name', 'every', 'device', 'keep'];

let photos = []; // { id, name, width, height, blob, thumb, boxes: [{ label, box: [x, y, width, height] }], bare: nothing is on it }
let labels = []; // { id, name }; a box has the id
let current; // photo on the stage
let label; // id of the label that new boxes get
let view = 'draw';
let run; // a training that was begun and not ended: { request, history }
let model; // what was trained: { name, files, history, best, epochs, measuredOn }
let worker; // while it trains

/** Whole epochs of the training that was begun; its history has the start, too. */
const epochsDone = () => run.history.at(-1)?.epoch ?? 0;

const count = (n, one) => `${n} ${one}${n === 1 ? '' : one.endsWith('x') ? 'es' : 's'}`;

function say(text, bad = false) {
  $('status').textContent = text;
  $('status').classList.toggle('bad', bad);
}

let warned = false;
/** Waits for nothing: the page goes on where the browser keeps nothing, and says so once. */
function keep(work) {
  work.catch((error) => {
    if (!warned) say(`This browser does not keep your work: ${error.message}.`, true);
    warned = true;
  });
}

function element(tag, properties, ...children) {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children);
  return made;
}

// Labels

const hex = (index) => `#${labelColor(index).map((part) => Math.round(part).toString(16).padStart(2, '0')).join('')}`; // prettier-ignore
const colorOf = (id) => hex(labels.findIndex((one) => one.id === id));
const nameOf = (id) => labels.find((one) => one.id === id)?.name;

const editor = createEditor($('editor'), {
  look: (id) => (id === undefined ? { name: '', color: hex(0) } : { name: nameOf(id), color: colorOf(id) }),
  label(needed) {
    if (label === undefined && needed) nameLater();
    return label;
  },
  onChange(boxes) {
    current.boxes = boxes;
    keep(album.boxes.put(current.id, boxes));
    if (boxes.length > 0) setBare(current, false);
    changed();
  },
  onSelect(box) {
    $('remove-box').disabled = !box;
    if (box) chooseLabel(box.label);
  },
});

/** The first box is drawn before there is a label: it gets one, whose name is asked for. */
function nameLater() {
  addLabel('object');
  say('Name the label below the photo; more labels can be added beside it.');
  // After the browser has given the focus to the canvas that was drawn on.
  setTimeout(() => {
    const name = $('labels').querySelector('input');
    name.focus();
    name.select();
  });
}

/** Undefined, and a word on why, where the name is no good. */
function addLabel(name) {
  if (!checkName(name)) return undefined;
  const made = { id: Math.max(0, ...labels.map(({ id }) => id)) + 1, name: name.trim() };
  labels.push(made);
  keep(album.things.put('labels', labels));
  label = made.id;
  showLabels();
  changed();
  return made;
}

function checkName(name, own) {
  const twin = labels.find((one) => one !== own && one.name.toLowerCase() === name.trim().toLowerCase());
  if (twin) say(`There is a label ${twin.name} already.`, true);
  return name.trim() !== '' && !twin;
}

function chooseLabel(id) {
  label = id;
  for (const pill of $('labels').children) pill.classList.toggle('chosen', pill.dataset.label === String(id));
}

function removeLabel({ id, name }) {
  const holders = photos.filter(({ boxes }) => boxes.some((box) => box.label === id));
  const boxes = holders.reduce((sum, photo) => sum + photo.boxes.filter((box) => box.label === id).length, 0);
  if (boxes > 0 && !confirm(`Remove ${name} and its ${count(boxes, 'box')}?`)) return;
  for (const photo of holders) setBoxes(photo, photo.boxes.filter((box) => box.label !== id)); // prettier-ignore
  labels = labels.filter((one) => one.id !== id);
  keep(album.things.put('labels', labels));
  if (label === id) label = labels[0]?.id;
  showLabels();
  changed();
}

function setBoxes(photo, boxes) {
  photo.boxes = boxes;
  keep(album.boxes.put(photo.id, boxes));
  if (photo === current) editor.replace(boxes);
}

/** Whether the user says that none of the labels is on a photo: then it is learnt from, too. */
function setBare(photo, bare) {
  if (photo.bare === bare) return;
  photo.bare = bare;
  keepBare();
}

const keepBare = () => keep(album.things.put('bare', photos.filter(({ bare }) => bare).map(({ id }) => id))); // prettier-ignore

function showLabels() {
  const pills = labels.map((one, i) => {
    const swatch = element('span', { className: 'swatch' });
    swatch.style.background = hex(i);
    const choose = element('button', { type: 'button', title: 'New boxes get this label; a selected box, too' }, swatch, i < 9 ? String(i + 1) : ''); // prettier-ignore
    choose.setAttribute('aria-label', `Choose ${one.name}`);
    choose.onclick = () => {
      chooseLabel(one.id);
      editor.relabelSelected(one.id);
    };
    const name = element('input', { value: one.name, size: Math.max(4, one.name.length), spellcheck: false });
    name.setAttribute('aria-label', 'Name of the label');
    name.onfocus = () => chooseLabel(one.id);
    name.onchange = () => {
      if (checkName(name.value, one)) one.name = name.value.trim();
      name.value = one.name;
      name.size = Math.max(4, one.name.length);
      keep(album.things.put('labels', labels));
      choose.setAttribute('aria-label', `Choose ${one.name}`);
      editor.draw();
      changed();
    };
    name.addEventListener('keydown', ({ key }) => ['Enter', 'Escape'].includes(key) && $('editor').focus());
    const remove = element('button', { type: 'button', textContent: '×', title: `Remove ${one.name}`, onclick: () => removeLabel(one) }); // prettier-ignore
    remove.setAttribute('aria-label', `Remove ${one.name}`);
    const pill = element('span', { className: 'pill' }, choose, name, remove);
    pill.dataset.label = one.id;
    return pill;
  });
  const name = element('input', { id: 'new-label', placeholder: 'new label', size: 9, spellcheck: false });
  name.setAttribute('aria-label', 'New label');
  const add = () => addLabel(name.value) && $('new-label').focus();
  name.addEventListener('keydown', ({ key }) => key === 'Enter' && add());
  const plus = element('button', { type: 'button', id: 'add-label', textContent: 'Add', onclick: add });
  $('labels').replaceChildren(...pills, element('span', { className: 'pill' }, name, plus));
  chooseLabel(label);
  editor.draw();
}

// Photos

/** Photos and annotations, dropped or chosen. */
async function take(files) {
  const annotations = files.filter(({ name, type }) => type === 'application/json' || /\.json$/i.test(name));
  const said = [];
  let bad = false;
  const added = [];
  for (const file of files.filter((one) => !annotations.includes(one))) {
    try {
      const photo = await addPhoto(file);
      if (photo) added.push(photo);
      else said.push(`${file.name} is here already.`);
    } catch {
      said.push(`${file.name || 'This file'} is not a picture that the browser can show.`);
      bad = true;
    }
  }
  if (added.length > 0) {
    said.unshift(`${count(added.length, 'photo')} added.`);
    // Without this a browser that runs out of room may drop what it keeps.
    navigator.storage?.persist?.().catch(() => undefined);
    await show(current ?? added[0]);
  }
  for (const file of annotations) {
    try {
      said.push(openAnnotations(await file.text()));
    } catch (error) {
      said.push(`${file.name}: ${error.message}`);
      bad = true;
    }
  }
  changed();
  say(said.join(' '), bad);
}

/** Undefined for a photo that is here. */
async function addPhoto(file) {
  const bitmap = await createImageBitmap(file);
  const { width, height } = bitmap;
  const twins = photos.filter((photo) => photo.name === file.name);
  if (twins.some(({ blob }) => blob.size === file.size)) return undefined;
  const scale = 144 / Math.max(height, width / 2);
  const small = element('canvas', { width: Math.max(1, width * scale), height: Math.max(1, height * scale) });
  small.getContext('2d').drawImage(bitmap, 0, 0, small.width, small.height);
  bitmap.close();
  const thumb = await new Promise((resolve) => small.toBlob(resolve, 'image/jpeg', 0.8));
  const id = Math.max(0, ...photos.map((photo) => photo.id)) + 1;
  const name = twins.length > 0 ? file.name.replace(/(\.\w+)?$/, (ending) => ` (${id})${ending}`) : file.name;
  const kept = { id, name, width, height, blob: file, thumb };
  keep(album.photos.put(id, kept));
  photos.push({ ...kept, boxes: [], bare: false });
  return photos.at(-1);
}

let bitmap; // of `current`
async function show(photo) {
  trial.stopCamera();
  current = photo;
  bitmap?.close();
  bitmap = undefined;
  try {
    const opened = photo && (await createImageBitmap(photo.blob));
    // Another photo may have been chosen meanwhile.
    if (photo !== current) return opened?.close();
    bitmap = opened;
  } catch (error) {
    say(`${photo.name} cannot be shown: ${error.message}`, true);
  }
  editor.show(bitmap, photo?.boxes);
  showTools();
  $('suggest').disabled = !bitmap;
  markStrip();
  setView(view);
  if (view === 'try' && bitmap) await trial.on(bitmap);
}

function removePhoto(photo) {
  if (photo.boxes.length > 0 && !confirm(`Remove ${photo.name} and its ${count(photo.boxes.length, 'box')}?`)) return;
  const place = photos.indexOf(photo);
  photos.splice(place, 1);
  keep(album.photos.delete(photo.id));
  keep(album.boxes.delete(photo.id));
  // Its id may be that of another photo one day.
  keepBare();
  changed();
  if (photo === current) show(photos[Math.min(place, photos.length - 1)]);
}

const thumbs = new WeakMap(); // photo -> URL

function showStrip(kept) {
  const items = photos.map((photo) => {
    if (!thumbs.has(photo)) thumbs.set(photo, URL.createObjectURL(photo.thumb));
    const image = element('img', { src: thumbs.get(photo), alt: photo.name });
    const boxes = photo.boxes.length;
    const held = kept.includes(photo);
    const button = element(
      'button',
      { type: 'button', className: 'photo', title: photo.name, onclick: () => show(photo) },
      image,
    );
    const remove = element('button', {
      type: 'button',
      className: 'remove',
      textContent: '×',
      onclick: () => removePhoto(photo),
    });
    remove.setAttribute('aria-label', `Remove ${photo.name}`);
    const item = element('li', {}, button, remove);
    if (boxes > 0) item.append(element('span', { className: 'badge', textContent: count(boxes, 'box') }));
    if (photo.bare) item.append(element('span', { className: 'badge', textContent: 'nothing' }));
    if (held) item.append(element('span', { className: 'badge held', textContent: 'AP', title: 'Kept back to measure AP' }));
    item.dataset.photo = photo.id;
    return item;
  });
  const { scrollLeft, scrollTop } = $('strip');
  $('strip').replaceChildren(...items);
  Object.assign($('strip'), { scrollLeft, scrollTop });
  markStrip();
}

function markStrip() {
  for (const item of $('strip').children)
    item.firstChild.setAttribute('aria-pressed', String(item.dataset.photo === String(current?.id)));
}

/** Boxes of a COCO file replace those of the photos that it names. Throws an Error for a file that does not fit. */
function openAnnotations(text) {
  const { labels: names, boxes, bare, notes } = readCoco(text, photos);
  const known = (name) => labels.find((one) => one.name.toLowerCase() === name.trim().toLowerCase());
  const before = label;
  let total = 0;
  for (const name of names) if (!known(name)) addLabel(name);
  for (const [photo, list] of boxes) {
    setBoxes(photo, list.filter(({ name }) => known(name)).map(({ name, box }) => ({ label: known(name).id, box }))); // prettier-ignore
    setBare(photo, bare.has(photo));
    total += photo.boxes.length;
  }
  label = before ?? labels[0]?.id;
  showLabels();
  return `${count(total, 'box')} on ${count(boxes.size, 'photo')}${notes.length > 0 ? ` (${notes.join('; ')})` : ''}.`;
}

function save(blob, name) {
  const link = element('a', { href: URL.createObjectURL(blob), download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}

/** Boxes of the default detector that nobody has drawn yet, to be taken with a click. */
async function suggest() {
  const [photo, seen] = [current, bitmap];
  $('suggest').disabled = true;
  say('Looking for objects…');
  try {
    suggest.detector ??= loadDetector(centernet, { device: $('device').value });
    const found = await (await suggest.detector).detect(seen, { scoreThreshold: 0.25 });
    if (photo !== current) return;
    const offers = [...found]
      .map(({ label: name, box: [x1, y1, x2, y2] }) => ({ name: `${name}?`, box: [x1, y1, x2 - x1, y2 - y1] }))
      .filter(({ box }) => photo.boxes.every((own) => overlap(own.box, box) < 0.6));
    editor.offer(offers);
    say(offers.length > 0 ? `${count(offers.length, 'box')} suggested: tap one to take it as ${nameOf(label) ?? 'a new label'}.` : 'The detector finds nothing that has no box yet.'); // prettier-ignore
  } catch (error) {
    suggest.detector = undefined;
    say(error.message, true);
  } finally {
    $('suggest').disabled = !current;
    showTools();
  }
}

/** Intersection over union. */
function overlap([ax, ay, aw, ah], [bx, by, bw, bh]) {
  const w = Math.min(ax + aw, bx + bw) - Math.max(ax, bx);
  const h = Math.min(ay + ah, by + bh) - Math.max(ay, by);
  const both = Math.max(0, w) * Math.max(0, h);
  return both / (aw * ah + bw * bh - both);
}

// What follows from photos, boxes, labels and settings

function settingsNow() {
  const name = $('name').value.trim().replace(/[^\p{L}\p{N}._-]+/gu, '-') || 'my-labels'; // prettier-ignore
  const epochs = Math.min(1000, Math.max(1, Math.round(Number($('epochs').value)) || 1));
  return { name, epochs, only: !$('keep').checked };
}

const planNow = () => makePlan(photos, labels, Number($('every').value));
const sameRun = () => run && JSON.stringify(run.request) === JSON.stringify(requestOf(planNow(), settingsNow()));

function showTools() {
  $('undo').disabled = !editor.canUndo;
  $('accept').hidden = editor.offers.length === 0;
  $('accept').textContent = `Accept all ${editor.offers.length}`;
  $('bare').disabled = !current || current.boxes.length > 0;
  $('bare').setAttribute('aria-pressed', String(current?.bare ?? false));
}

function changed() {
  const plan = planNow();
  const boxes = photos.reduce((sum, photo) => sum + photo.boxes.length, 0);
  $('counts').textContent = photos.length > 0 ? `${count(photos.length, 'photo')}, ${count(boxes, 'box')}.` : '';
  const goOn = !worker && sameRun();
  const other = !worker && run && !goOn ? ' What was begun before had other photos, boxes or settings: it begins anew.' : '';
  $('plan').textContent = describePlan(plan, photos, labels) + other;
  $('train').disabled = !worker && plan.boxed.length === 0;
  $('train').textContent = worker ? 'Stop' : goOn ? 'Begin anew' : 'Train';
  $('train').classList.toggle('main', !worker && !goOn);
  $('go-on').hidden = !goOn;
  if (goOn) $('go-on').textContent = `Go on (${epochsDone()} of ${run.request.epochs})`;
  $('add').classList.toggle('main', photos.length === 0);
  $('save').disabled = plan.boxed.length + plan.bare.length === 0;
  $('hint').hidden = photos.length > 0 || view === 'try';
  showStrip(plan.kept);
  showTools();
}

function setView(to) {
  view = to;
  if (to === 'draw') trial.stopCamera();
  for (const one of ['draw', 'try']) $(`view-${one}`).setAttribute('aria-pressed', String(one === to));
  $('editor').hidden = to !== 'draw' || !current;
  $('draw-tools').hidden = to !== 'draw' || !current;
  $('try-tools').hidden = to !== 'try';
  $('picture').hidden = $('found').hidden = to !== 'try' || !trial.shows;
  $('hint').hidden = photos.length > 0 || to === 'try';
}

// Training

function train(resume) {
  const plan = planNow();
  const request = requestOf(plan, settingsNow());
  if (!resume) run = { request, history: [] };
  keep(album.things.put('run', run));
  const files = new Map([...plan.training, ...plan.kept].map(({ id, blob }) => [id, blob]));
  const measuredOn = plan.kept.length > 0 ? `${count(plan.kept.length, 'photo')} kept back` : 'the photos of the training';
  const end = holdTraining();
  worker = new Worker(new URL('./worker.js', import.meta.url), { type: 'module' });
  const clock = { phase: '', start: 0, from: 0 };
  worker.onmessage = ({ data }) => answers[data.kind](data);
  worker.onerror = (event) => {
    event.preventDefault();
    ended(`The training could not be started: ${event.message ?? 'this browser knows no module workers'}.`, true);
  };
  const answers = {
    progress: ({ progress }) => showProgress(progress, clock, request.epochs),
    epoch({ epoch }) {
      run.history = [...run.history.filter((one) => one.epoch < epoch.epoch), epoch];
      keep(album.things.put('run', run));
      drawCurves($('curves'), run.history, { epochs: request.epochs });
    },
    'not-kept': () => say('The browser has no room for the state of the training: if the page is closed, it begins anew.', true),
    async done({ files: made, history, best }) {
      model = { name: request.name, files: made, history, best, epochs: request.epochs, measuredOn };
      run = undefined;
      forgetRun();
      keep(album.things.put('model', model));
      await trial.drop();
      showModel();
      if (view === 'try') trial.again();
      ended(`Trained: AP50 ${best.ap50.toFixed(2)} on ${measuredOn}. Try it, or take the model package.`);
    },
    stopped() {
      ended(`Stopped after ${count(epochsDone(), 'epoch')}: it can be taken up again.`);
    },
    failed({ code, message }) {
      const hint = code === 'out-of-memory' || code === 'device-lost' ? ' Choose the CPU as the device and go on.' : '';
      ended(`The training failed. ${message}${hint}`, true);
    },
  };
  function ended(text, bad) {
    worker.terminate();
    worker = undefined;
    end();
    $('training').hidden = true;
    changed();
    say(text, bad);
  }
  worker.postMessage({ kind: 'train', request: { ...request, device: $('device').value }, files, resume });
  say(resume ? 'Going on with the training…' : 'Training…');
  $('outcome').textContent = '';
  $('training').hidden = false;
  $('progress').removeAttribute('value');
  $('phase').textContent = 'Preparing…';
  $('report').textContent = '';
  if (run.history.length > 0) drawCurves($('curves'), run.history, { epochs: request.epochs });
  else $('curves').replaceChildren();
  changed();
}

function forgetRun() {
  keep(album.things.delete('run'));
  keep(album.bytes.delete('checkpoint'));
}

function showProgress({ phase, done, total, epoch, device }, clock, epochs) {
  $('report').textContent = device;
  if (phase === 'evaluate') return;
  if (clock.phase !== phase) Object.assign(clock, { phase, start: performance.now(), from: done });
  $('progress').value = done / total;
  const each = (performance.now() - clock.start) / (done - clock.from);
  const left = done > clock.from && done < total ? `, ${time((each * (total - done)) / 1000)} left` : '';
  $('phase').textContent =
    phase === 'features' ? `Looking at photo ${done} of ${total}${left}` : `Epoch ${epoch} of ${epochs}${left}`;
}

const time = (seconds) => (seconds < 90 ? `about ${Math.ceil(seconds)} s` : `about ${Math.round(seconds / 60)} min`);

// The trained detector

const trial = createTrial({
  model: () => model,
  device: () => $('device').value,
  colors: () => Object.fromEntries(labels.map(({ name }, i) => [name, hex(i)])),
  isWanted: () => view === 'try',
  onPicture: () => setView('try'),
  onForeign: () => show(undefined),
  say,
});

function showModel() {
  drawCurves($('curves'), model.history, { epochs: model.epochs, best: model.best.epoch });
  $('outcome').textContent = `AP50 ${model.best.ap50.toFixed(2)} on ${model.measuredOn}.`;
  $('command').textContent = `npx labelweave detect photo.jpg --model ${model.name}`;
  $('take').hidden = false;
  $('view-try').disabled = false;
}

// Wiring

for (const [input, use] of [['files', take], ['annotations', take], ['file', ([file]) => trial.file(file)]]) {
  $(input).addEventListener('change', async () => {
    const files = [...$(input).files];
    // The same file can be chosen again.
    $(input).value = '';
    if (files.length > 0) await use(files);
  });
} // prettier-ignore
for (const type of ['dragover', 'dragleave', 'drop']) {
  $('stage').addEventListener(type, (event) => {
    event.preventDefault();
    $('stage').classList.toggle('over', type === 'dragover');
    if (type !== 'drop') return;
    const files = [...event.dataTransfer.files];
    if (files.length > 0 && view === 'try') trial.file(files[0]);
    else if (files.length > 0) take(files);
  });
}
const clicks = {
  undo: () => editor.undo(),
  'remove-box': () => editor.removeSelected(),
  suggest,
  accept: () => editor.acceptAll(),
  bare() {
    setBare(current, !current.bare);
    changed();
    say(current.bare ? `${current.name} teaches what your labels are not.` : `${current.name} is left out until it has a box.`);
  },
  add: () => $('files').click(),
  open: () => $('annotations').click(),
  save() {
    const said = photos.filter(({ boxes, bare }) => bare || boxes.length > 0);
    save(new Blob([JSON.stringify(writeCoco(said, labels))], { type: 'application/json' }), 'annotations.json');
  },
  train: () => (worker ? worker.postMessage({ kind: 'stop' }) : train(false)),
  'go-on': () => train(true),
  'view-draw': () => (setView('draw'), show(current ?? photos[0])),
  'view-try': () => (setView('try'), bitmap ? trial.on(bitmap) : show(photos[0])),
  other: () => $('file').click(),
  async download() {
    const inFolder = Object.entries(model.files).map(([name, bytes]) => [`${model.name}/${name}`, bytes]);
    save(zip(Object.fromEntries(inFolder)), `${model.name}.zip`);
  },
  async forget() {
    if (!confirm('Remove all photos, boxes, labels and what was trained from this browser?')) return;
    worker?.terminate();
    await album.forgetAll().catch(() => undefined);
    location.reload();
  },
};
for (const [id, act] of Object.entries(clicks)) $(id).addEventListener('click', act);
for (const id of settings) {
  $(id).addEventListener('change', () => {
    const kept = Object.fromEntries(settings.map((one) => [one, one === 'keep' ? $(one).checked : $(one).value]));
    keep(album.things.put('settings', kept));
    changed();
  });
}
$('device').addEventListener('change', trial.drop);
$('threshold').addEventListener('input', () => {
  $('threshold-value').textContent = Number($('threshold').value).toFixed(2);
  if (view === 'try') trial.again();
});
addEventListener('keydown', (event) => {
  if (view !== 'draw' || event.altKey || event.target.matches('input:not([type=range], [type=checkbox]), select, textarea'))
    return;
  const command = event.ctrlKey || event.metaKey;
  if (command && event.key === 'z') editor.undo();
  else if (command) return;
  else if (event.key === 'Delete' || event.key === 'Backspace') editor.removeSelected();
  else if (event.key === 'Escape') editor.deselect();
  else if (labels[Number(event.key) - 1]) {
    chooseLabel(labels[Number(event.key) - 1].id);
    editor.relabelSelected(label);
  } else return;
  event.preventDefault();
});
for (const id of ['controls', 'try-tools']) $(id).addEventListener('submit', (event) => event.preventDefault());

// What was kept

const main = document.querySelector('main');
main.inert = true;
await waitForTurn(say);
main.inert = false;
try {
  const stored = await album.photos.all();
  photos = await Promise.all(stored.map(async (photo) => ({ ...photo, boxes: (await album.boxes.get(photo.id)) ?? [] })));
  const bare = (await album.things.get('bare')) ?? [];
  for (const photo of photos) photo.bare = bare.includes(photo.id);
  labels = (await album.things.get('labels')) ?? [];
  label = labels[0]?.id;
  const kept = (await album.things.get('settings')) ?? {};
  for (const id of settings) if (kept[id] !== undefined) $(id)[id === 'keep' ? 'checked' : 'value'] = kept[id];
  run = await album.things.get('run');
  model = await album.things.get('model');
} catch (error) {
  warned = true;
  say(`This browser does not keep your work: ${error.message}.`, true);
}
showLabels();
changed();
if (model) showModel();
if (run?.history.length > 0 && sameRun()) drawCurves($('curves'), run.history, { epochs: run.request.epochs });
await show(photos[0]);
if (!warned) {
  const halted = sameRun() ? ` A training stopped after ${count(epochsDone(), 'epoch')} of ${run.request.epochs}: it can go on.` : ''; // prettier-ignore
  say(photos.length > 0 ? `${count(photos.length, 'photo')} kept from before.${halted}` : 'Ready.');
}
