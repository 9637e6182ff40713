// transpose: permutations against PyTorch.
import { EXACT, golden, testOperator } from './harness.js';

testOperator('transpose', golden('transpose'), { reference: EXACT, others: EXACT });
