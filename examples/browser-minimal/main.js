import { drawDetections, loadDetector } from 'labelweave';
import centernet from 'labelweave/models/centernet-mbv3';

const detector = await loadDetector(centernet, { labels: { labels: { pet: ['cat', 'dog'], person: 'person' } } });
const image = document.querySelector('img');
const canvas = Object.assign(document.createElement('canvas'), { width: image.naturalWidth, height: image.naturalHeight });
const context = canvas.getContext('2d');
context.drawImage(image, 0, 0);
drawDetections(context, await detector.detect(image));
image.replaceWith(canvas);
