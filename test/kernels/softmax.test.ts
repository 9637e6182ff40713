// softmax: inner and middle axes and large numbers against PyTorch.
import { APPROXIMATED, golden, ROUNDED, testOperator } from './harness.js';

testOperator('softmax', golden('softmax'), { reference: ROUNDED, others: APPROXIMATED });
