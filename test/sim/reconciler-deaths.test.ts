/** A run that ends at one of its calls, by its time limit or as a machine does that loses power: the runs after it end where one that does not ends. */
import { describe } from 'node:test';
import { cutsEverywhere } from '../reconcile/cut-everywhere.ts';

describe('a reconciler that ends in the middle', () => {
  cutsEverywhere(['aborted', 'dies before', 'dies after']);
});
