import { describeThousand } from './thousand-check.ts';

describeThousand(500);
