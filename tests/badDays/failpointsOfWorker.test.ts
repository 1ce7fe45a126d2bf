import { describeDeaths } from './deaths.ts';

describeDeaths('worker');
