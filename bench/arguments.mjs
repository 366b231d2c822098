// The command line of a bench program. `--help` prints the comment that its file begins with; a
// fault is one line that names the option, and exit status 2.
import {readFileSync} from 'node:fs';
import path from 'node:path';
import {fileURLToPath} from 'node:url';
import {parseArgs} from 'node:util';

function refuse(file, what) {
  console.error(`${path.basename(file)}: ${what}; --help tells more`);
  process.exit(2);
}

// `url`: the program's import.meta.url. `options`: as parseArgs has them; one with `least` is a
// number from there on, and its value becomes one.
export function readArguments(url, options) {
  const file = fileURLToPath(url);
  let values;
  try {
    ({values} = parseArgs({options: {...options, help: {type: 'boolean'}}}));
  } catch (error) {
    refuse(file, error.message.split('. ')[0]);
  }
  if (values.help) {
    const lines = readFileSync(file, 'utf8').split('\n').slice(1);  // behind #!
    const end = lines.findIndex((line) => !line.startsWith('//'));
    console.log(lines.slice(0, end).map((line) => line.slice(3)).join('\n'));
    process.exit(0);
  }
  for (const [name, {least}] of Object.entries(options)) {
    if (least === undefined) continue;
    const number = Number(values[name]);
    if (values[name] === '' || !(number >= least))
      refuse(file, `--${name}: "${values[name]}" is no number from ${least} on`);
    values[name] = number;
  }
  return values;
}
