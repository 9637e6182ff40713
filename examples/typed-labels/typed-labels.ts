import { loadDetector } from 'labelweave';
import centernet from 'labelweave/models/centernet-mbv3';

const detector = await loadDetector(centernet, { labels: ['cat', 'dog'] });
for (const { label } of await detector.detect('pets.jpg')) {
  if (label === 'cat') console.log('a cat');
  // @ts-expect-error: 'horse' is not one of the labels of this detector
  if (label === 'horse') console.log('never');
}
