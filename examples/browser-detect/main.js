// The page's logic: load once, detect on every new picture, label space or threshold, draw boxes on the canvas.
import { drawDetections, labelColor, loadDetector } from 'labelweave';
import centernet from 'labelweave/models/centernet-mbv3';
import { createCamera } from '../camera.js';

const $ = (id) => document.getElementById(id);
const canvas = $('picture');
const context = canvas.getContext('2d');

// Pascal VOC's 20 names, each with the model's label for the same thing.
const voc = {
  aeroplane: 'airplane', bicycle: 'bicycle', bird: 'bird', boat: 'boat', bottle: 'bottle', bus: 'bus', car: 'car', cat: 'cat',
  chair: 'chair', cow: 'cow', diningtable: 'dining table', dog: 'dog', horse: 'horse', motorbike: 'motorcycle', person: 'person',
  pottedplant: 'potted plant', sheep: 'sheep', sofa: 'couch', train: 'train', tvmonitor: 'tv',
}; // prettier-ignore

let picture; // ImageBitmap or <video>
let detector;

function say(text, bad = false) {
  $('status').textContent = text;
  $('status').classList.toggle('bad', bad);
}

function chosenLabels() {
  if ($('labels').value === 'voc') return { name: 'voc', labels: voc };
  if ($('labels').value === 'groups') return { name: 'groups', labels: JSON.parse($('groups').value) };
  return detector.modelLabels;
}

async function refresh() {
  if (!detector || !picture) return;
  try {
    detector.labels = chosenLabels();
    const start = performance.now();
    const detections = await detector.detect(picture, { scoreThreshold: Number($('threshold').value) });
    const ms = performance.now() - start;
    canvas.width = detections.imageWidth;
    canvas.height = detections.imageHeight;
    context.drawImage(picture, 0, 0, canvas.width, canvas.height);
    drawDetections(context, detections);
    canvas.hidden = false;
    $('hint').hidden = true;
    $('rows').replaceChildren(...[...detections].map(row));
    say(
      `${detections.length} objects in ${ms.toFixed(0)} ms, labels: ${detections.labels.name}. ${detector.device.description}.`,
    );
  } catch (error) {
    say(error.message, true);
  }
}

function row({ label, labelIndex, score }) {
  const line = document.createElement('tr');
  const name = document.createElement('td');
  const swatch = document.createElement('span');
  swatch.className = 'swatch';
  swatch.style.background = `rgb(${labelColor(labelIndex).join(' ')})`;
  name.append(swatch, label);
  const value = document.createElement('td');
  value.textContent = score.toFixed(2);
  line.append(name, value);
  return line;
}

async function show(file) {
  camera.stop();
  try {
    picture = await createImageBitmap(file);
    await refresh();
  } catch {
    say(`${file.name || 'This file'} is not a picture that the browser can show.`, true);
  }
}

const camera = createCamera($('camera'), {
  async show(video) {
    picture = video;
    await refresh();
  },
  fail: (message) => say(message, true),
});

$('file').addEventListener('change', (event) => event.target.files[0] && show(event.target.files[0]));
$('labels').addEventListener('change', () => {
  $('groups-label').hidden = $('labels').value !== 'groups';
  refresh();
});
$('groups').addEventListener('change', refresh);
$('threshold').addEventListener('input', () => {
  $('threshold-value').textContent = Number($('threshold').value).toFixed(2);
  refresh();
});
for (const type of ['dragover', 'dragleave', 'drop']) {
  $('stage').addEventListener(type, (event) => {
    event.preventDefault();
    $('stage').classList.toggle('over', type === 'dragover');
    const file = type === 'drop' && event.dataTransfer.files[0];
    if (file) show(file);
  });
}
$('controls').addEventListener('submit', (event) => event.preventDefault());

try {
  detector = await loadDetector(centernet, {
    onProgress: ({ phase, loaded, total }) =>
      say(`${phase === 'download' ? 'Loading the model' : 'Preparing'}: ${total ? Math.round((100 * loaded) / total) : 0}%`),
  });
  say(`Ready. ${detector.device.description}.`);
  await refresh();
} catch (error) {
  say(error.message, true);
}
