import { describeThousand } from './thousand-check.ts';

describeThousand(1000);
