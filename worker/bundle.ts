import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { bundleWorkflows } from './createWorker.ts';

// `bundle.ts FILE`, part of `npm run build`: a worker loads the file instead of bundling itself.
const file = process.argv[2] ?? 'dist/workflows.js';
const { code } = await bundleWorkflows();
await mkdir(path.dirname(file), { recursive: true });
await writeFile(file, code);
