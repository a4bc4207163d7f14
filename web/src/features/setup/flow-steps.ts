/** Steps that are written into a flow for its author: a file that was uploaded, a form that is published. */

const STEP = /^([ \t]*)- (?:\{ ?)?id: *['"]?([A-Za-z0-9_]+)/;

interface Steps {
  /** White space before each step. */
  indent: string;
  ids: string[];
}

function stepsOf(source: string): Steps {
  const found = source.split('\n').flatMap((line) => {
    const match = STEP.exec(line);
    return match === null ? [] : [match];
  });
  return { indent: found[0]?.[1] ?? '  ', ids: found.flatMap((match) => match[2] ?? []) };
}

/** A name that can be a step's, and that no other step has. */
export function freeId(source: string, wanted: string): string {
  const { ids } = stepsOf(source);
  const plain = wanted
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '_')
    .replace(/^[^a-z]+|_+$/g, '')
    .slice(0, 36);
  const base = plain === '' ? 'step' : plain;
  let id = base;
  for (let number = 2; ids.includes(id); number += 1) id = `${base}_${number}`;
  return id;
}

const TAKES_CAPTION = /^(image\/(jpeg|png)|video\/|application\/|text\/)/;

/** The lines of a step that sends a file, without indentation. */
export function fileStep(
  source: string,
  media: { id: string; mime: string; file_name: string | null },
): string[] {
  const name = media.file_name ?? 'file';
  const lines = [`- id: ${freeId(source, `send_${name.replace(/\.[^.]*$/, '')}`)}`];
  // A name that came with the file must not end the comment.
  lines.push('  send:', `    file: ${media.id} # ${name.replace(/[\r\n]+/g, ' ')}`);
  if (TAKES_CAPTION.test(media.mime)) lines.push('    caption: "Here you are."');
  if (media.mime === 'audio/ogg') lines.push('    voice: true');
  return lines;
}

/** The lines of a step that offers a form, without indentation. */
export function formStep(source: string, form: string): string[] {
  const { ids } = stepsOf(source);
  return [
    `- id: ${freeId(source, form)}`,
    '  ask:',
    '    type: form',
    `    form: ${JSON.stringify(form)}`,
    '    prompt: "Please fill in this form."',
    '    button: "Fill in"',
    `    on_fail: ${ids[ids.length - 1] ?? 'agent'}`,
    '    # By the names that the form gives its fields: - {name: day, into: visit_day, label: "Day"}',
    '    fields: []',
  ];
}

/** Puts a step after the one the cursor is in. Gives the new source and where the cursor stands then. */
export function withStep(
  source: string,
  cursor: number,
  step: string[],
): { source: string; cursor: number } {
  const { indent } = stepsOf(source);
  const lines = source.split('\n');
  const isStep = (line: string) => STEP.exec(line)?.[1] === indent;
  const current = source.slice(0, cursor).split('\n').length - 1;
  let at = lines.findIndex((line, index) => index > current && isStep(line));
  if (at < 0) {
    at = lines.length;
    while (at > 0 && lines[at - 1]?.trim() === '') at -= 1;
  } else {
    while (at > 0 && (lines[at - 1]?.trim() === '' || lines[at - 1]?.trim().startsWith('#')))
      at -= 1;
  }
  // Before the first step there is nothing to stand behind.
  const first = lines.findIndex(isStep);
  if (first >= 0 && at < first) at = first;
  const added = step.map((line) => indent + line);
  const before = [...lines.slice(0, at), ''];
  const after = lines.slice(at);
  if (after.length > 0 && after[0]?.trim() !== '') after.unshift('');
  const start = before.join('\n').length + 1;
  return {
    source: [...before, ...added, ...after].join('\n'),
    cursor: start + added.join('\n').length,
  };
}
