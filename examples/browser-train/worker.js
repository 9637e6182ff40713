// The training itself, in a worker, so that the page answers meanwhile. Only here is labelweave/train called: what trainHeads is given stands below.
// A worker has no import map: it names the files for pages without a bundler by their place.
import { labelSpace } from '../../dist/labelweave.min.js';
import { trainHeads } from '../../dist/train.min.js';
import { bytes } from './album.js';

const stop = new AbortController();

/** Photos are opened from what the page sent: their files by id. */
const dataset = (name, annotations, files) => ({ name, annotations, images: ({ id }) => files.get(id) });

/** A training goes on where the browser has no room for its checkpoint. */
const patient = (store) => ({
  ...store,
  put: (key, value) => store.put(key, value).catch(() => postMessage({ kind: 'not-kept' })),
});

async function train({ name, labels, training, evaluation, epochs, only, device }, files, resume) {
  return trainHeads({
    model: new URL('../../dist/models/centernet-mbv3/', import.meta.url),
    datasets: [dataset(name, training, files)],
    heads: [{ labels: labelSpace(name, labels) }],
    evaluation: [dataset('evaluation', evaluation ?? training, files)],
    epochs,
    device,
    only, // the package without the model's own head
    seed: 1,
    // The features of a photo take 4 MB and a fraction of a second: they are not kept between visits.
    checkpoint: { store: patient(bytes), key: 'checkpoint' },
    resume,
    signal: stop.signal,
    onProgress: (progress) => postMessage({ kind: 'progress', progress }),
    onEpoch: ({ epoch, loss, scores }) => postMessage({ kind: 'epoch', epoch: { epoch, loss, ap50: scores[0].ap50 } }),
  });
}

addEventListener('message', async ({ data: { kind, request, files, resume } }) => {
  if (kind === 'stop') return stop.abort();
  try {
    const { files: made, history, best } = await train(request, files, resume);
    const epochs = history.map(({ epoch, loss, scores }) => ({ epoch, loss, ap50: scores[0].ap50 }));
    postMessage({ kind: 'done', files: made, history: epochs, best });
  } catch (error) {
    if (stop.signal.aborted) postMessage({ kind: 'stopped' });
    else postMessage({ kind: 'failed', code: error.code, message: error.message });
  }
});
