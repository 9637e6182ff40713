// The report of a learnt taxonomy for the console: numbers, and the merges that are most worth a look.
import type { LabelRef } from '../types.js';
import type { LearnReport } from './report.js';

/** A few lines for people. `most`: merges that are listed (default 10). */
export function learnReportToText({ summary, datasets, merges, alone }: LearnReport, most = 10): string {
  const { labels, unified, optimal, gap, objective, cost, lambda, solver } = summary;
  const suspicious = merges.filter(({ suspicions }) => suspicions.length > 0);
  const name = ({ dataset, name: own }: LabelRef): string => `${dataset}: ${own}`;
  const namesakes = alone.filter(({ sameName }) => sameName).length;
  return [
    `${unified} unified labels of ${labels} (${datasets.map(({ name: own, size }) => `${own} ${size}`).join(', ')}), ${merges.length} merges`,
    `objective ${show(objective)} = cost ${show(cost)} + ${lambda} x ${unified}; ${optimal ? 'proven to be the best' : `at most ${(gap * 100).toPrecision(2)} % from the best`} (solver ${solver})`,
    ...(suspicious.length
      ? ['', `${suspicious.length} merges are worth a look${suspicious.length > most ? `, these first` : ''}:`]
      : []),
    ...suspicious.slice(0, most).map(({ members, margin, marginExact, runnerUp, suspicions }) => {
      const rival = runnerUp.map((own) => own.map(name).join(' + ')).join('; ') || 'alone';
      const sure = margin === undefined ? 'pinned' : `margin ${marginExact ? '' : 'at most '}${show(margin)}, else ${rival}`;
      return `  ${members.map(name).join(' + ')}  (${sure}; ${suspicions.join(', ')})`;
    }),
    ...(namesakes ? ['', `${namesakes} labels stand alone although another data set has their name.`] : []),
  ].join('\n');
}

const show = (value: number): string => String(Number(value.toPrecision(6)));
