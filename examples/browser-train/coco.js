// COCO annotations of the photos: written for training and for saving, and read from a file whose images are found among the photos by name.

/** Annotations of photos; categories are `labels`, with ids from 1. Boxes of other labels are left out. */
export function writeCoco(photos, labels) {
  const category = new Map(labels.map(({ id }, i) => [id, i + 1]));
  return {
    images: photos.map(({ id, name, width, height }) => ({ id, file_name: name, width, height })),
    annotations: photos
      .flatMap(({ id, boxes }) => boxes.map(({ label, box }) => ({ image: id, label, box })))
      .filter(({ label }) => category.has(label))
      .map(({ image, label, box }, i) => ({
        id: i + 1,
        image_id: image,
        category_id: category.get(label),
        bbox: box.map((x) => Math.round(x * 100) / 100),
        area: Math.round(box[2] * box[3] * 100) / 100,
        iscrowd: 0,
      })),
    categories: labels.map(({ name }, i) => ({ id: i + 1, name })),
  };
}

const baseName = (file) => String(file).split(/[/\\]/).pop();
const few = (names) => names.slice(0, 3).join(', ') + (names.length > 3 ? ` and ${names.length - 3} more` : '');

/**
 * Reads a file for the photos that are here. Gives the names of its labels, `boxes`: photo -> [{ name, box }], `bare`: the photos that are in it without an
 * annotation, which is how COCO says that nothing is on them, and `notes` for people on what was left out.
 * Throws an Error that says what is wrong where nothing of it can be used.
 */
export function readCoco(text, photos) {
  let file;
  try {
    file = JSON.parse(text);
  } catch (error) {
    throw new Error(`This is no JSON file (${error.message}).`, { cause: error });
  }
  const missing = ['images', 'annotations', 'categories'].filter((list) => !Array.isArray(file?.[list]));
  if (missing.length > 0) throw new Error(`These are no COCO annotations: found no list ${few(missing)}.`);
  const names = new Map(file.categories.map(({ id, name }) => [id, String(name)]));
  const byName = new Map(photos.map((photo) => [photo.name, photo]));
  const found = new Map();
  const strangers = [];
  const otherSize = [];
  for (const { id, file_name: name, width, height } of file.images) {
    const photo = byName.get(baseName(name));
    if (!photo) strangers.push(baseName(name));
    else if ((width && width !== photo.width) || (height && height !== photo.height)) otherSize.push(photo.name);
    else found.set(id, photo);
  }
  if (found.size === 0) {
    if (otherSize.length > 0) throw new Error(`The annotations are for pictures of another size: ${few(otherSize)}.`);
    throw new Error(`None of the images in the file is here: ${few(strangers) || 'it has none'}. Add the photos first.`);
  }
  const boxes = new Map([...found.values()].map((photo) => [photo, []]));
  const bare = new Set(found.values());
  let bad = 0;
  for (const { image_id: image, category_id: category, bbox, iscrowd } of file.annotations) {
    const photo = found.get(image);
    if (!photo) continue;
    bare.delete(photo);
    const box = Array.isArray(bbox) && bbox.length === 4 && bbox.every(Number.isFinite) ? inside(bbox, photo) : undefined;
    if (box && names.has(category) && !iscrowd) boxes.get(photo).push({ name: names.get(category), box });
    else bad++;
  }
  const notes = [];
  if (strangers.length > 0) notes.push(`not here: ${few(strangers)}`);
  if (otherSize.length > 0) notes.push(`of another size: ${few(otherSize)}`);
  if (bad > 0) notes.push(`${bad} left out: no box in the photo, no known label, or a crowd`);
  return { labels: [...new Set(names.values())], boxes, bare, notes };
}

/** The part of a box that lies in the photo; undefined where none does. */
export function inside([x, y, w, h], { width, height }) {
  const [x1, y1] = [Math.max(0, x), Math.max(0, y)];
  const [x2, y2] = [Math.min(width, x + w), Math.min(height, y + h)];
  return x2 > x1 && y2 > y1 ? [x1, y1, x2 - x1, y2 - y1] : undefined;
}
