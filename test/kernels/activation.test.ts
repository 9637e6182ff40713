// activation: every kind against PyTorch, over large, small and special arguments.
import { APPROXIMATED, ROUNDED, golden, testOperator } from './harness.js';

testOperator('activation', golden('activation'), { reference: ROUNDED, others: APPROXIMATED });
