// average_pool: shares its loop with max_pool.
export { average_pool } from './max_pool';
