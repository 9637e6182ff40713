// The trained detector on a photo or the camera: loaded when it is first asked for, its detections on the canvas and in the table.
import { drawDetections, labelColor, loadDetector } from 'labelweave';
import { createCamera } from '../camera.js';

const $ = (id) => document.getElementById(id);

/**
 * `model()` is { name, files }, `colors()` #rrggbb by label; `isWanted()` says whether an answer is still to be shown; `onPicture()` comes before every
 * picture, `onForeign()` before one that is no photo of the page.
 */
export function createTrial({ model, device, colors, isWanted, onPicture, onForeign, say }) {
  let detector; // Promise
  let shown; // ImageBitmap or <video>
  let turns = 0; // answers that are no more asked for are not shown

  async function on(picture) {
    const turn = ++turns;
    shown = picture;
    onPicture();
    try {
      if (!detector) say('Preparing the trained detector…');
      const { name, files } = model();
      const manifest = JSON.parse(new TextDecoder().decode(files['labelweave.json']));
      detector ??= loadDetector({ manifest, files }, { device: device() });
      const used = await detector;
      const start = performance.now();
      const all = await used.detectPerDataset(picture, { scoreThreshold: Number($('threshold').value) });
      if (turn !== turns || !isWanted()) return;
      // What the new head says; the package may have the model's own head, too.
      const found = all.get(name);
      draw(picture, found);
      const none = found.length === 0 ? ' Lower the least score to see what comes next.' : '';
      const ms = (performance.now() - start).toFixed(0);
      say(`${found.length} object${found.length === 1 ? '' : 's'} in ${ms} ms. ${used.device.description}.${none}`);
    } catch (error) {
      // Another picture was asked for, or another detector has been trained.
      if (turn !== turns || error.code === 'disposed') return;
      detector = undefined;
      camera.stop();
      say(error.message, true);
    }
  }

  function draw(picture, found) {
    const canvas = $('picture');
    canvas.width = found.imageWidth;
    canvas.height = found.imageHeight;
    const context = canvas.getContext('2d');
    context.drawImage(picture, 0, 0, canvas.width, canvas.height);
    drawDetections(context, found, { colors: colors() });
    $('rows').replaceChildren(...[...found].map(row));
  }

  function row({ label, labelIndex, score }) {
    const line = document.createElement('tr');
    const swatch = document.createElement('span');
    swatch.className = 'swatch';
    swatch.style.background = colors()[label] ?? `rgb(${labelColor(labelIndex).join(' ')})`;
    const [name, value] = [document.createElement('td'), document.createElement('td')];
    name.append(swatch, label);
    value.textContent = score.toFixed(2);
    line.append(name, value);
    return line;
  }

  async function file(chosen) {
    camera.stop();
    try {
      const opened = await createImageBitmap(chosen);
      await onForeign();
      await on(opened);
    } catch {
      say(`${chosen.name || 'This file'} is not a picture that the browser can show.`, true);
    }
  }

  const camera = createCamera($('camera'), { show: on, fail: (message) => say(message, true) });

  return {
    on,
    file,
    stopCamera: camera.stop,
    get shows() {
      return shown !== undefined;
    },
    /** The same picture with another threshold. */
    again: () => shown && on(shown),
    /** Frees the detector; the next picture loads what `model()` is then. */
    async drop() {
      const old = detector;
      detector = undefined;
      (await old?.catch(() => undefined))?.dispose();
    },
  };
}
