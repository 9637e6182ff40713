// compare: every kind by hand, with ties, NaN and broadcasting.
import { EXACT, testOperator, type Case } from './harness.js';

const a = { shape: [4], data: [1, 2, 3, Number.NaN] };
const b = { shape: [4], data: [2, 2, 2, Number.NaN] };
const rows: [Case<'compare'>['attributes']['kind'], number[]][] = [
  ['equal', [0, 1, 0, 0]],
  ['not_equal', [1, 0, 1, 1]],
  ['less', [1, 0, 0, 0]],
  ['less_equal', [1, 1, 0, 0]],
  ['greater', [0, 0, 1, 0]],
  ['greater_equal', [0, 1, 1, 0]],
];

testOperator(
  'compare',
  [
    ...rows.map(([kind, data]) => ({ name: kind, attributes: { kind }, inputs: [a, b], outputs: [{ data }] })),
    {
      name: 'int32 with broadcasting',
      attributes: { kind: 'greater' },
      inputs: [{ shape: [2, 1], dtype: 'int32', data: [1, 3] }, { shape: [3], dtype: 'int32', data: [0, 1, 2] }],
      outputs: [{ data: [1, 0, 0, 1, 1, 1] }],
    }, // prettier-ignore
  ],
  { reference: EXACT, others: EXACT },
);
