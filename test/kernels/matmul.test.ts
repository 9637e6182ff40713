// matmul: transposes, batches and fused tails against PyTorch.
import { ROUNDED, SUMMED, golden, testOperator } from './harness.js';

testOperator('matmul', golden('matmul'), { reference: ROUNDED, others: SUMMED });
