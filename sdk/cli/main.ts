// The command line: `labelweave bench | convert | detect | devices | evaluate | inspect | taxonomy`. Machine output goes to stdout, everything for people to stderr.
import { setFlagsFromString } from 'node:v8';
import { cac } from 'cac';
import { LabelweaveError } from 'labelweave';
import packageJson from '../../package.json' with { type: 'json' };
import { benchCommand } from './bench.js';
import { convertCommand } from './convert.js';
import { detectCommand } from './detect.js';
import { devicesCommand } from './devices.js';
import { evaluateCommand } from './evaluate.js';
import { firingsCommand } from './firings.js';
import { inspectCommand } from './inspect.js';
import { learnCommand } from './learn.js';
import { formatNames } from './label-files.js';
import { taxonomyCommand } from './taxonomy.js';
import { trainCommand } from './train.js';
import { UsageError, exitCodes } from './exit.js';

// Node 20 keeps relaxed SIMD behind a flag that later versions no longer need. This process is ours alone, so it may be switched on: the
// wasm runtime is then 10 to 15 % faster.
if (process.versions.node.startsWith('20.') && !('Bun' in globalThis) && !('Deno' in globalThis)) {
  setFlagsFromString('--experimental-wasm-relaxed-simd');
}

const cli = cac('labelweave');

cli
  .command('detect [...images]', 'Find objects in images: files, folders, URLs, or - for one image on standard input')
  .option(
    '--model <model>',
    'Model: a name, a folder with labelweave.json, a labelweave.json file, or the URL of one. Several: they answer as one detector',
    { default: 'centernet-mbv3' },
  )
  .option(
    '--labels <labels>',
    'Label space of the results: a name (coco, voc, lvis-v1, ...) or a .json or .txt file, or a taxonomy file. Default: the model’s own',
  )
  .option(
    '--vectors <file>',
    'For a model whose head compares features with text: embeddings of --labels, in their order, .npy or .safetensors: it finds these labels',
  )
  .option('--threshold <score>', 'Least score, 0 to 1', { default: 0.3 })
  .option('--max <n>', 'Most detections an image', { default: 100 })
  .option('--nms <iou>', 'Class-wise non-maximum suppression at this IoU, or "off". Default: what the model says')
  .option('--fusion <method>', 'Several models: boxes (their weighted means) or nms (the best). Default: boxes')
  .option('--device <device>', 'auto, webgpu, wasm or reference', { default: 'auto' })
  .option('--threads <n>', 'Threads of the wasm runtime, or auto', { default: 'auto' })
  .option('--format <format>', 'What is printed: table, json or coco', { default: 'table' })
  .option('--json <file>', 'Write the detections to a file instead, as JSON (COCO results with --format coco)')
  .option('--draw <folder>', 'Write a PNG of every image with its boxes and labels')
  .option('--gt <file>', 'With --format coco: COCO annotations that give image ids by file name and category ids by label name')
  .option('--quiet', 'No progress on stderr')
  .example('  labelweave detect photo.jpg')
  .example('  labelweave detect photos/ --labels voc --threshold 0.4 --draw out/')
  .example('  labelweave detect photo.jpg --labels my-labels.json        {"labels": {"vehicle": ["car", "truck", "bus"]}}')
  .example('  labelweave detect photo.jpg --model coco-model --model open-images-model --labels taxonomy.json')
  .example('  labelweave detect photo.jpg --model text-model --labels other.txt --vectors other.npy')
  .example('  labelweave detect val/ --format coco --gt instances.json --threshold 0 --json results.json')
  .action((images: string[], options: Record<string, unknown>) => run(detectCommand(images, options)));

cli
  .command('devices', 'Say which runtimes work here, and why the others do not')
  .option('--json', 'Print JSON')
  .example('  labelweave devices')
  .action((options: Record<string, unknown>) => run(devicesCommand(options)));

cli
  .command('bench', 'Time a model on a device: frame, layers, arithmetic, memory traffic')
  .option('--model <model>', 'Model: a name, a folder, a labelweave.json file, or a URL', { default: 'centernet-mbv3' })
  .option('--device <device>', 'auto, webgpu, wasm or reference', { default: 'auto' })
  .option('--precision <precision>', 'webgpu: auto, f32 or f16', { default: 'auto' })
  .option('--frames <n>', 'Frames to time', { default: 10 })
  .option('--json', 'Print JSON')
  .option('--quiet', 'No progress on stderr')
  .example('  labelweave bench --model centernet-mbv3 --device webgpu')
  .action((options: Record<string, unknown>) => run(benchCommand(options)));

cli
  .command(
    'evaluate <protocol>',
    'Official metrics of results: coco, objects365, mapillary, lvis, openimages, voc, panoptic, semantic, or unified',
  )
  .option('--gt <file>', 'Ground truth: JSON; openimages: boxes CSV; voc: folder of XML, or COCO JSON; semantic: folder of PNGs')
  .option('--dt <file>', 'Detections: JSON; openimages: CSV; voc: folder of lists, or COCO JSON; semantic: folder of PNGs')
  .option('--iou-type <type>', 'bbox, segm or boundary (coco); bbox or segm (lvis, openimages). Default: bbox')
  .option('--mode <mode>', 'coco, objects365, mapillary: strict (every quirk of pycocotools) or corrected. Default: strict')
  .option('--workers <n>', 'coco, lvis, panoptic: threads for matching, or auto. Default: 1')
  .option('--json <file>', 'Write stats (full doubles, official order), numbers by class, counts and diagnostics')
  .option('--csv <file>', 'Write the table by class')
  .option('--html <file>', 'Write a page with plots; coco: with errors, thresholds, confusions, calibration, worst images')
  .option(
    '--arrays <file>',
    'coco, lvis: write FILE-precision.npy [T,R,K,A,M], FILE-recall.npy [T,K,A,M], coco also FILE-scores.npy',
  )
  .option('--areas <ranges>', 'coco: size ranges beside the official ones: name:min:max in square pixels, separated by commas')
  .option('--slices <file>', 'coco: AP on parts of the images; JSON of image ids by name: {"night": [1, 5]}')
  .option('--compare <file>', 'coco: results of a second model; how sure the difference is, over all and by class')
  .option('--resamples <n>', 'coco, with --compare: resamples of the images. Default: 1000')
  .option('--partial <file>', 'Write what was matched, to be merged with other parts')
  .option('--merge <file>', 'Add what --partial wrote for other images, once for each file; --dt may then be left out')
  .option('--taxonomy <file>', 'unified: taxonomy file; detections carry its unified labels (ids in JSON, names elsewhere)')
  .option(
    '--sets <file>',
    'unified: JSON {"sets": [{"name": ..., "protocol": ..., "gt": ..., "dt": ...}]}; with "vectors" also data sets never trained on',
  )
  .option('--analysis', 'coco: the analysis of --html in --json and on the console, too')
  .option('--gt-dir <folder>', 'panoptic: PNGs of the ground truth. Default: --gt without .json')
  .option('--dt-dir <folder>', 'panoptic: PNGs of the predictions. Default: --dt without .json')
  .option('--labels <file>', 'openimages: verified image-level labels, CSV')
  .option('--hierarchy <file>', 'openimages: hierarchy JSON; expands boxes and labels (leave out for expanded files)')
  .option('--labelmap <file>', 'openimages: label map (.pbtxt) with the classes. Default: those of the boxes')
  .option('--masks <file>', 'openimages: instance masks of the ground truth, CSV, with --iou-type segm')
  .option('--interpolation <kind>', 'voc: eleven-point (2007) or area (2010 and later). Default: area')
  .option('--classes <n>', 'semantic: number of classes, or a file with a name a line')
  .option('--ignore-label <n>', 'semantic: value of pixels that do not count. Default: 255')
  .option('--convention <name>', 'semantic: which mean, detectron2 or cityscapes. Default: cityscapes; both are in --json')
  .option('--quiet', 'No progress on stderr')
  .example('  labelweave evaluate coco --gt instances.json --dt results.json --json out.json --html out.html')
  .example('  labelweave evaluate coco --gt instances.json --dt results.json --iou-type segm --mode corrected --arrays out.npy')
  .example(
    '  labelweave evaluate openimages --gt boxes.csv --labels labels.csv --hierarchy h.json --labelmap map.pbtxt --dt dt.csv',
  )
  .example('  labelweave evaluate coco --gt instances.json --dt new.json --compare old.json --html comparison.html')
  .example('  labelweave evaluate lvis --gt lvis_v1_val.json --merge shard-1.part --merge shard-2.part --json out.json')
  .example('  labelweave evaluate unified --taxonomy unified.json --sets sets.json --csv table.csv')
  .example('  labelweave evaluate panoptic --gt gt.json --gt-dir gt/ --dt dt.json --dt-dir dt/')
  .action((protocol: string, options: Record<string, unknown>) => run(evaluateCommand(protocol, options)));

cli
  .command('firings', 'Run models over images with ground truth and keep what every head says, for labelweave learn')
  .option('--images <folder>', 'Folder of the images; once for each --gt, in the same order')
  .option('--gt <file>', 'COCO annotations of them, or NAME=FILE with the data set, where several models know the categories')
  .option('--model <model>', 'Model: a name, a folder, a labelweave.json file, or a URL; once for each')
  .option('-o, --output <file>', 'Where the firings are written')
  .option('--threshold <score>', 'Least score that is kept', { default: 0.02 })
  .option('--max <n>', 'Most boxes of an image and head', { default: 300 })
  .option('--match <iou>', 'Boxes of separate models that overlap by this much are one proposal', { default: 0.5 })
  .option('--device <device>', 'auto, webgpu, wasm or reference', { default: 'auto' })
  .option('--quiet', 'No progress on stderr')
  .example(
    '  labelweave firings --images coco/ --gt coco.json --images voc/ --gt voc.json --model centernet-mbv3 --model my-voc-model/ -o both.firings',
  )
  .action((options: Record<string, unknown>) => run(firingsCommand(options)));

cli
  .command('inspect [model]', 'Say what is in a model: input, heads, labels, operators, weights, memory')
  .option('--json', 'Print JSON')
  .option('--labels', 'List every label')
  .option('--dim <name=size>', 'Of an ONNX file without a manifest: the size of a dimension that it leaves open; once for each')
  .option('--size <size>', 'Of a model file without a manifest: HEIGHTxWIDTH of the input, where the file leaves it open')
  .option('--manifest', 'Of a model file without a manifest: print a manifest to start from')
  .option('--plan', 'Show the fused graph as a device runs it, with kernels and memory')
  .option('--device <device>', 'With --plan: webgpu or wasm', { default: 'wasm' })
  .example('  labelweave inspect centernet-mbv3 --plan --device webgpu')
  .example('  labelweave inspect centernet-mbv3 --labels')
  .example('  labelweave inspect net.onnx --dim batch=1')
  .example('  labelweave inspect net.onnx --manifest > labelweave.json')
  .action((model: string | undefined, options: Record<string, unknown>) =>
    run(inspectCommand(model ?? 'centernet-mbv3', options)),
  );

cli
  .command(
    'convert <model>',
    'Write a model package: .onnx, .tflite, model.json of TF.js, or another package; with the measured change',
  )
  .option('-o, --output <folder>', 'Where labelweave.json, graph.json and weights.safetensors are written')
  .option('--weights <type>', 'How weights are stored: float16, float32, or int8 with a scale a channel', { default: 'float16' })
  .option('--manifest <file>', 'Manifest of a model file. Default: the one that inspect proposes')
  .option('--labels <labels>', 'With the proposed manifest: a name (coco, voc, ...) or a file, in the order of the scores')
  .option('--size <size>', 'With the proposed manifest: HEIGHTxWIDTH of the input, where the file leaves it open')
  .option('--image <file>', 'Picture to measure the change on; once for each. Default: a made one')
  .option('--json', 'Print JSON')
  .example('  labelweave convert net.onnx --manifest labelweave.json -o net/')
  .example('  labelweave convert yolov8n.onnx --labels coco -o yolov8n/ --weights int8 --image photo.jpg')
  .action((model: string, options: Record<string, unknown>) => run(convertCommand(model, options)));

cli
  .command(
    'taxonomy <action> [...files]',
    'Taxonomies and label files: show FILE, validate FILES, diff A B, convert FILE, merge LABELS..., merge-datasets NAME=FILE..., split-datasets FILE',
  )
  .option('--html <file>', 'show: write a page on which labels, members, relations and costs can be searched')
  .option('--search <text>', 'show: only lines with this text')
  .option('--json', 'diff: print JSON')
  .option('--exit-code', 'diff: exit with 1 where there is a change')
  .option('-o, --output <file>', 'Where the result is written (split-datasets: a folder). Default: stdout, for convert and merge')
  .option('--from <format>', `convert: format of the file, where it cannot be told: ${formatNames.join(', ')}`)
  .option('--to <format>', 'convert: format of the result. Default: labelweave. merge-datasets: coco or yolo. Default: coco')
  .option('--name <name>', 'convert, merge: name of the data set or taxonomy')
  .option('--dataset <name=labels>', 'convert: data set of a UniDet or RVC mapping, by its name in the header; once for each')
  .option('--rest <what>', 'convert: labels that a mapping leaves over: error, or single (each its own). Default: error')
  .option('--hierarchy <file>', 'convert: hierarchy JSON of Open Images')
  .option('--ids <which>', 'convert: id or trainId of Cityscapes’ label table. Default: id')
  .option('--column <name>', 'convert: column of MSeg’s table, as a grouping')
  .option('--by <what>', 'merge: exact, normalised (case, spaces, plural), synonyms or embedding. Default: normalised')
  .option('--vectors <name=file>', 'merge: vectors of the labels, in their order: .npy or .safetensors; once for each data set')
  .option('--threshold <cosine>', 'merge: least cosine, with --by embedding. Default: 0.95')
  .option('--verbose', 'merge: show everything that was not merged')
  .option('--taxonomy <file>', 'merge-datasets: the taxonomy')
  .option('--unknown <what>', 'merge-datasets: categories that the taxonomy does not know: error or drop. Default: error')
  .option('--match <by>', 'merge-datasets: id, or name for files that number the labels of a known data set anew. Default: id')
  .option('--negatives <where>', 'merge-datasets: classes known to be absent, in every image or once a dataset. Default: image')
  .option(
    '--image-folder <name=path>',
    'merge-datasets: folder in front of file names; nothing behind = for none. Default: the name',
  )
  .option('--polygons', 'merge-datasets --to yolo: polygons instead of boxes, where there is one')
  .option('--foreign <what>', 'split-datasets: annotations of labels that the data set has not: error or drop. Default: error')
  .option('--quiet', 'merge-datasets, split-datasets: no progress on stderr')
  .example('  labelweave taxonomy show unified.json --html unified.html')
  .example('  labelweave taxonomy validate unified.json')
  .example('  labelweave taxonomy diff learned.json expert.json')
  .example('  labelweave taxonomy convert data.yaml --to coco -o categories.json')
  .example(
    '  labelweave taxonomy convert learned.json --dataset coco=coco --dataset objects365=objects365-v1 --dataset oid=openimages-challenge-500',
  )
  .example('  labelweave taxonomy merge coco objects365-v1 mine=data.yaml --by synonyms -o unified.json')
  .example('  labelweave taxonomy merge coco voc --by embedding --vectors coco=coco.npy --vectors voc=voc.npy')
  .example('  labelweave taxonomy merge-datasets --taxonomy unified.json coco=instances.json mine=yolo-folder/ -o merged.json')
  .example('  labelweave taxonomy split-datasets merged.json -o parts/')
  .action((action: string, files: string[], options: Record<string, unknown>) => run(taxonomyCommand(action, files, options)));

cli
  .command(
    'learn [...firings]',
    'Learn a unified label space from firings; or solve --columns FILE: choose among merges with given costs',
  )
  .option('-o, --output <file>', 'Taxonomy file. Default: stdout')
  .option('--loss <loss>', 'ap (UniDet, Eq. 10), distortion (Eq. 9), or stand-in (for small validation sets). Default: ap')
  .option(
    '--form <form>',
    'paper or code. ap: that of the paper or of its authors’ code; distortion: code is relative to a label’s own scores. Default: code',
  )
  .option('--lambda <cost>', 'What every unified label costs. Default: 0.5')
  .option('--tau <cost>', 'Merges that cost more are left out. Default: that of the loss and form')
  .option('--minimum-instances <n>', 'Ground truths that every label of a merge needs. Default: 0')
  .option('--names <how>', 'Equal names make merges cheaper: exact, normalised or synonyms. Default: names do not count')
  .option('--language <name=file>', 'Vectors of label names make merges cheaper: .npy or .safetensors; once for each data set')
  .option('--weight <name=number>', 'Weight of a part of the cost: ap, distortion, stand-in, names, language; once for each')
  .option('--solver <name>', 'own, highs or glpk (packages that you install). Default: own')
  .option(
    '--time-limit <seconds>',
    'Then the best answer so far, with its gap; learn solve with the solver own gives it at Ctrl-C, too. Default: none',
  )
  .option('--pins <file>', 'What a person decided: JSON as the review page saves it, or a taxonomy file')
  .option('--name <name>', 'Name of the taxonomy')
  .option('--report <file>', 'Write the report as JSON: every merge with its reasons')
  .option('--html <file>', 'Write the review page')
  .option('--images <folder>', 'Where the images of the firings are, for examples on the page; may stand several times')
  .option(
    '--add-to <file>',
    'Add data sets to this taxonomy (UniDet, App. C); in the firings are heads of its data sets, or first its unified labels, and heads of the new ones',
  )
  .option('--threshold <cost>', 'With --add-to: a label joins a unified one where that costs less. Default: 0.05')
  .option('--columns <file>', 'solve: { labels: [{ dataset, id, name }], columns: [{ members: [position...], cost }] }')
  .option('--json <file>', 'solve: write size, objective, cost, optimal, gap, merges')
  .option('--quiet', 'No progress on stderr')
  .example('  labelweave learn coco-voc.firings -o taxonomy.json --html review.html --images val2017/')
  .example('  labelweave learn coco-voc.firings --loss stand-in --names synonyms --pins pins.json -o taxonomy.json')
  .example('  labelweave learn with-traffic.firings --add-to taxonomy.json --threshold 0.05 -o larger.json')
  .example('  labelweave learn solve --columns columns.json --lambda 0.5 --json solution.json')
  .action((files: string[], options: Record<string, unknown>) => run(learnCommand(files.map(String), options)));

cli
  .command('train', 'Teach a model new labels: heads on its frozen features, from annotated images; gives a model package')
  .option('--model <model>', 'Model: a name, a folder, a labelweave.json file, or a URL', { default: 'centernet-mbv3' })
  .option(
    '--data <data>',
    'NAME=ANNOTATIONS.json:IMAGES, COCO annotations and the folder of their images; may stand several times',
  )
  .option('--eval <data>', 'The same, evaluated after each epoch; the best one is kept')
  .option('--labels <labels>', 'NAME=LABELS: label space of a data set. Default: the categories of its annotations')
  .option('--taxonomy <file>', 'One head over the labels of a taxonomy, in place of one a data set')
  .option('--loss <loss>', 'heatmap, focal or sigmoid; with --vectors also hard-soft (hard and soft labels, ScaleDet)', {
    default: 'heatmap',
  })
  .option('--kernel <n>', 'Side of the new layers: 1 or 3', { default: 1 })
  .option('--classifier <kind>', 'linear, cosine (20 cos(feature, weight) + bias), or text (with --vectors). Default: linear')
  .option(
    '--vectors <name=file>',
    'Text embeddings of the labels of a data set, or of the taxonomy, in their order: .npy or .safetensors; its head compares features with them, and detect --vectors gives it other labels',
  )
  .option(
    '--start <start>',
    'auto: closed form, or a row of the model’s own head where that tells a label better; discriminant: closed form; zeros',
    { default: 'auto' },
  )
  .option('--boxes <boxes>', 'model: boxes are the model’s; corrected: learn what to add to them', { default: 'model' })
  .option(
    '--relations <file>',
    'With --taxonomy and --classifier cosine: write the taxonomy with the relations that the head found (UniSeg, 3.3)',
  )
  .option('--epochs <n>', 'Epochs; 0: heads as they start. Default: 20')
  .option('--batch <n>', 'Images of a step. Default: 8')
  .option('--rate <rate>', 'Learning rate, falling as a cosine. Default: 0.001; from zeros and for cosines 0.01')
  .option('--seed <n>', 'Seed. Default: 1')
  .option('--flip', 'Mirror half of the images')
  .option('--negatives <n>', 'Cells of an image away from objects that take part, or all. Default: 1024')
  .option('--only', 'Leave the model’s own heads out of the package')
  .option('--ignore-unknown', 'Leave out boxes whose label a head has not')
  .option('--no-cache', 'Keep features in memory only')
  .option('--checkpoint-every <n>', 'Steps between checkpoints. Default: an epoch')
  .option('--resume', 'Go on from the checkpoint in the output folder')
  .option('--name <name>', 'Name of the new model')
  .option('--device <device>', 'Computes features and steps: auto, webgpu, wasm or reference', { default: 'auto' })
  .option('-o, --output <folder>', 'Where the package is written')
  .option('--quiet', 'No progress on stderr')
  .example('  labelweave train --data tools=tools.json:photos/ --eval tools-val=val.json:photos/ -o tools-model/')
  .example(
    '  labelweave train --data coco=coco.json:coco/ --data voc=voc.json:voc/ --taxonomy unified.json --flip -o unified-model/',
  )
  .example('  labelweave train --data tools=tools.json:photos/ --vectors tools=clip.npy --only -o text-model/')
  .action((options: Record<string, unknown>) => run(trainCommand(options)));

cli.help((sections) => [
  ...sections,
  {
    title: 'Exit codes',
    body: Object.entries(exitCodes)
      .map(([, { code, meaning }]) => `  ${code}  ${meaning}`)
      .join('\n'),
  },
]);
cli.version(packageJson.version);

/** Ends the process with the documented exit code; messages for people go to stderr. */
async function run(command: Promise<number>): Promise<void> {
  try {
    process.exitCode = await command;
  } catch (error) {
    process.exitCode = fail(error);
  }
}

function fail(error: unknown): number {
  if (error instanceof UsageError || (error instanceof Error && error.name === 'CACError')) {
    process.stderr.write(`labelweave: ${error.message}\nSee labelweave --help, or labelweave COMMAND --help.\n`);
    return exitCodes.usage.code;
  }
  if (error instanceof LabelweaveError) {
    process.stderr.write(`labelweave: ${error.message}\n`);
    return exitCodes.load.code;
  }
  process.stderr.write(`labelweave: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
  return exitCodes.failed.code;
}

// A closed pipe (`| head`) is no failure.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(exitCodes.ok.code);
  throw error;
});

try {
  cli.parse(process.argv, { run: false });
  if (!cli.matchedCommand && !cli.options['help'] && !cli.options['version']) {
    if (cli.args.length > 0) throw new UsageError(`unknown command "${cli.args[0]}"`);
    cli.outputHelp();
    process.exitCode = exitCodes.usage.code;
  } else {
    await cli.runMatchedCommand();
  }
} catch (error) {
  process.exitCode = fail(error);
}
