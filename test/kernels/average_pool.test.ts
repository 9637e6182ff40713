// average_pool: both divisors against PyTorch.
import { APPROXIMATED, ROUNDED, golden, testOperator } from './harness.js';

testOperator('average_pool', golden('average_pool'), { reference: ROUNDED, others: APPROXIMATED });
