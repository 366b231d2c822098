// What it is measured on, and the frame of a measurement.
import {execFileSync} from 'node:child_process';
import {readFileSync} from 'node:fs';
import {chmod, mkdtemp, rm} from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import {stopAll} from './processes.mjs';

export function machine() {
  const processor = /^model name\s*:\s*(.*)$/m.exec(readFileSync('/proc/cpuinfo', 'utf8'))?.[1];
  return {processor: processor ?? os.arch(), cores: os.cpus().length,
    kernel: os.release().split('-')[0], memory_gib: Math.round(os.totalmem() / 2 ** 30)};
}

export const machineText = ({cores, processor, memory_gib, kernel}) =>
  `${cores} cores (${processor}), ${memory_gib} GiB, Linux ${kernel}`;

// Runs `work(folder)` on the load's core and ends this process with the exit status that it
// returns, and 1 when it throws; stops what was started and removes the folder in any case.
export async function measured(name, loadCore, work) {
  const folder = await mkdtemp(path.join(os.tmpdir(), `sluice-${name}-`));
  await chmod(folder, 0o755);  // nginx' workers may be somebody else
  const end = async (code) => {
    await stopAll();
    await rm(folder, {recursive: true, force: true});
    process.exit(code);
  };
  process.on('SIGINT', () => end(130));
  process.on('SIGTERM', () => end(143));
  try {
    // The measurement's own readings must not fall on the proxy's core.
    execFileSync('taskset', ['-a', '-cp', `${loadCore}`, `${process.pid}`], {stdio: 'pipe'});
    await end(await work(folder));
  } catch (fault) {
    console.error(`${name}: ${fault.message}`);
    await end(1);
  }
}
