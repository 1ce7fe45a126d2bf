import { mkdir, writeFile } from 'node:fs/promises';
import { bundleWorkflows } from './createWorker.ts';

// Part of `npm run build`: the built worker loads this file instead of bundling at its start.
const { code } = await bundleWorkflows();
await mkdir('dist', { recursive: true });
await writeFile('dist/workflows.js', code);
