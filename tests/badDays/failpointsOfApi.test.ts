import { describeDeaths } from './deaths.ts';

describeDeaths('api');
