// max_pool: windows and padding against PyTorch.
import { EXACT, golden, testOperator } from './harness.js';

testOperator('max_pool', golden('max_pool'), { reference: EXACT, others: EXACT });
