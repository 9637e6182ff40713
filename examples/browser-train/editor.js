// Draws boxes on a photo with the mouse, a pen or a finger: new ones, moved ones, other sizes; undo. It knows nothing of labels but their colours and names.
import { inside } from './coco.js';

/** How near to an edge takes hold of it, in CSS pixels; a finger is wider. */
const reach = { mouse: 8, touch: 18, pen: 12 };
/** Shorter drags are clicks, in CSS pixels. */
const least = 5;

/**
 * `look(label)` gives the colour and name of a box; `label()` the label of a new one; `onChange(boxes)` is told of every change, with all boxes as
 * [{ label, box: [x, y, width, height] }] in pixels of the photo; `onSelect(box)` of what is selected, or undefined.
 */
export function createEditor(canvas, { look, label, onChange, onSelect }) {
  const context = canvas.getContext('2d');
  let picture; // ImageBitmap
  let boxes = [];
  let offers = []; // [{ name, box }]: suggestions, one click makes a box of one
  let selected;
  let drag;
  let past = []; // what undo brings back
  let scale = 1; // CSS pixels a pixel of the photo

  function change(next, select) {
    past.push(boxes);
    boxes = next;
    choose(select);
    onChange(boxes);
  }

  function choose(box) {
    selected = box;
    onSelect(selected);
    draw();
  }

  /** As large as the stage, 70 % of the window's height and twice the photo allow. */
  function fit() {
    if (!picture) return;
    const room = canvas.parentElement.clientWidth;
    scale = Math.min(room / picture.width, (0.7 * innerHeight) / picture.height, 2);
    const density = devicePixelRatio || 1;
    const [width, height] = [Math.round(picture.width * scale), Math.round(picture.height * scale)];
    canvas.style.width = `${width}px`;
    canvas.width = Math.round(width * density);
    canvas.height = Math.round(height * density);
    draw();
  }

  function draw() {
    if (!picture) return;
    const density = canvas.width / (picture.width * scale);
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.drawImage(picture, 0, 0, canvas.width, canvas.height);
    context.setTransform(density, 0, 0, density, 0, 0);
    context.font = '600 13px system-ui, sans-serif';
    context.textBaseline = 'middle';
    for (const { name, box } of offers) outline(box, { name, color: '#fff', dash: [6, 4] });
    for (const one of boxes) outline(one.box, { ...look(one.label), fill: one === selected });
    if (drag?.kind === 'new' && drag.box) outline(drag.box, { ...look(label(false)), fill: true });
    if (selected) handles(selected.box, look(selected.label).color);
  }

  function outline(box, { name, color, fill, dash = [] }) {
    const [x, y, w, h] = box.map((value) => value * scale);
    context.setLineDash([]);
    context.lineWidth = 4;
    context.strokeStyle = 'rgba(0, 0, 0, 0.45)';
    context.strokeRect(x, y, w, h);
    context.setLineDash(dash);
    context.lineWidth = 2;
    context.strokeStyle = color;
    context.strokeRect(x, y, w, h);
    context.setLineDash([]);
    if (fill) {
      context.globalAlpha = 0.2;
      context.fillStyle = color;
      context.fillRect(x, y, w, h);
      context.globalAlpha = 1;
    }
    if (!name) return;
    // Above the box, or in it where there is no room.
    const above = y >= 20 ? y - 20 : y;
    context.fillStyle = color;
    context.fillRect(x - 1, above, context.measureText(name).width + 12, 20);
    context.fillStyle = '#000';
    context.fillText(name, x + 5, above + 10.5);
  }

  function handles([x, y, w, h], color) {
    for (const [cx, cy] of [[x, y], [x + w, y], [x, y + h], [x + w, y + h]]) {
      context.beginPath();
      context.arc(cx * scale, cy * scale, 5, 0, 2 * Math.PI);
      context.fillStyle = '#fff';
      context.fill();
      context.strokeStyle = color;
      context.stroke();
    }
  } // prettier-ignore

  /** Pixels of the photo. */
  function placeOf(event) {
    const { left, top, width, height } = canvas.getBoundingClientRect();
    return [((event.clientX - left) / width) * picture.width, ((event.clientY - top) / height) * picture.height];
  }

  const covers = ([x, y, w, h], [px, py]) => px >= x && px <= x + w && py >= y && py <= y + h;
  const smallest = (list, place) => {
    const hit = list.filter(({ box }) => covers(box, place));
    return hit.sort((a, b) => a.box[2] * a.box[3] - b.box[2] * b.box[3])[0];
  };

  /** Which edges of the selected box the pointer is at: -1, 0 or 1 in each direction; undefined where it is not at any. */
  function edgesAt([px, py], pointer) {
    if (!selected) return undefined;
    const near = (reach[pointer] ?? reach.mouse) / scale;
    const [x, y, w, h] = selected.box;
    if (!covers([x - near, y - near, w + 2 * near, h + 2 * near], [px, py])) return undefined;
    // Of two edges that are near, the nearer one: a small box keeps an inside to move it by.
    const side = (p, from, size) => {
      const [low, high] = [Math.abs(p - from), Math.abs(p - from - size)];
      return Math.min(low, high) > Math.min(near, Math.max(size / 4, near / 2)) ? 0 : low < high ? -1 : 1;
    };
    const edges = [side(px, x, w), side(py, y, h)];
    return edges[0] || edges[1] ? edges : undefined;
  }

  function cursorAt(place, pointer) {
    const edges = edgesAt(place, pointer);
    if (edges) return edges[0] === 0 ? 'ns-resize' : edges[1] === 0 ? 'ew-resize' : edges[0] === edges[1] ? 'nwse-resize' : 'nesw-resize'; // prettier-ignore
    return selected && covers(selected.box, place) ? 'move' : 'crosshair';
  }

  const between = ([ax, ay], [bx, by]) => [Math.min(ax, bx), Math.min(ay, by), Math.abs(ax - bx), Math.abs(ay - by)];

  /** What the drag makes of the box it began with. */
  function dragged(to) {
    const { from, edges, start } = drag;
    if (drag.kind === 'new') return inside(between(from, to), picture);
    const [dx, dy] = [to[0] - from[0], to[1] - from[1]];
    const [x, y, w, h] = start;
    if (drag.kind === 'move') {
      const clamp = (value, room) => Math.min(Math.max(value, 0), Math.max(0, room));
      return [clamp(x + dx, picture.width - w), clamp(y + dy, picture.height - h), w, h];
    }
    const moved = (low, size, by, edge) =>
      edge < 0 ? [low + by, low + size] : edge > 0 ? [low, low + size + by] : [low, low + size];
    const [x1, x2] = moved(x, w, dx, edges[0]);
    const [y1, y2] = moved(y, h, dy, edges[1]);
    return inside(between([x1, y1], [x2, y2]), picture);
  }

  canvas.addEventListener('pointerdown', (event) => {
    if (!picture || event.button !== 0 || drag) return;
    canvas.focus({ preventScroll: true });
    canvas.setPointerCapture(event.pointerId);
    const from = placeOf(event);
    const edges = edgesAt(from, event.pointerType);
    const kind = edges ? 'size' : selected && covers(selected.box, from) ? 'move' : 'new';
    drag = { kind, from, edges, pointer: event.pointerId, start: selected?.box, clientX: event.clientX, clientY: event.clientY };
    event.preventDefault();
  });
  canvas.addEventListener('pointermove', (event) => {
    if (!picture) return;
    const to = placeOf(event);
    if (!drag) return void (canvas.style.cursor = cursorAt(to, event.pointerType));
    if (event.pointerId !== drag.pointer) return;
    drag.far ||= Math.hypot(event.clientX - drag.clientX, event.clientY - drag.clientY) >= least;
    if (!drag.far) return;
    drag.box = dragged(to);
    if (drag.kind !== 'new' && drag.box) selected.box = drag.box;
    draw();
  });
  canvas.addEventListener('pointerup', (event) => {
    if (!drag || event.pointerId !== drag.pointer) return;
    const { kind, from, box, far, start } = drag;
    drag = undefined;
    if (!far) {
      const offer = smallest(offers, from);
      if (offer) return accept([offer]);
      return choose(smallest(boxes, from));
    }
    if (kind !== 'new') {
      const now = { ...selected, box: box ?? start };
      selected.box = start;
      return change(boxes.map((one) => (one === selected ? now : one)), now); // prettier-ignore
    }
    if (!box || box[2] * scale < least || box[3] * scale < least) return draw();
    // Not selected: the next one may begin inside it, and the keys of labels mean the next one.
    change([...boxes, { label: label(true), box }], undefined);
  });
  canvas.addEventListener('pointercancel', () => {
    if (drag?.start && drag.kind !== 'new') selected.box = drag.start;
    drag = undefined;
    draw();
  });

  function accept(taken) {
    offers = offers.filter((offer) => !taken.includes(offer));
    change([...boxes, ...taken.map(({ box }) => ({ label: label(true), box }))], undefined);
  }

  addEventListener('resize', fit);

  return {
    /** Shows a photo and its boxes; undefined shows nothing. */
    show(bitmap, its = []) {
      picture = bitmap;
      [boxes, offers, past] = [its, [], []];
      selected = undefined;
      onSelect(undefined);
      fit();
    },
    /** After a change of colours or names. */
    draw,
    /** Other boxes for the photo that is shown: some were removed elsewhere. What was is no more to be undone. */
    replace(its) {
      [boxes, past] = [its, []];
      choose(undefined);
    },
    offer(list) {
      offers = list;
      draw();
    },
    get offers() {
      return offers;
    },
    acceptAll: () => accept(offers),
    get canUndo() {
      return past.length > 0;
    },
    undo() {
      if (past.length === 0) return;
      boxes = past.pop();
      choose(undefined);
      onChange(boxes);
    },
    removeSelected() {
      if (selected) change(boxes.filter((one) => one !== selected), undefined); // prettier-ignore
    },
    relabelSelected(to) {
      if (!selected || selected.label === to) return;
      const now = { ...selected, label: to };
      change(boxes.map((one) => (one === selected ? now : one)), now); // prettier-ignore
    },
    deselect: () => choose(undefined),
  };
}
