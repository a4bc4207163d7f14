import { describe, expect, it } from 'vitest';
import { fileStep, formStep, freeId, withStep } from './flow-steps';

const FLOW = `flow: welcome
steps:
  - id: hello
    say: {text: Hi}

  # What it is about.
  - id: topic
    ask: {type: text, prompt: "What?", on_fail: out}
  - {id: out, handover: {}}
`;

const picture = { id: 'med_1', mime: 'image/png', file_name: 'Spring prices.png' };

describe('steps of a flow', () => {
  it('have names of their own', () => {
    expect(freeId(FLOW, 'Topic')).toBe('topic_2');
    expect(freeId(FLOW, '2026 – Ü')).toBe('step');
    expect(freeId(FLOW, 'out')).toBe('out_2');
  });

  it('send a file as what it is', () => {
    expect(fileStep(FLOW, picture)).toEqual([
      '- id: send_spring_prices',
      '  send:',
      '    file: med_1 # Spring prices.png',
      '    caption: "Here you are."',
    ]);
    const voice = fileStep(FLOW, { id: 'med_2', mime: 'audio/ogg', file_name: 'a\nb: c.ogg' });
    expect(voice).toContain('    voice: true');
    expect(voice.join('\n')).not.toContain('caption');
    expect(voice).toHaveLength(4);
  });

  it('lead from a form to the last step when it is not filled in', () => {
    expect(formStep(FLOW, 'book "a" visit')).toContain('    form: "book \\"a\\" visit"');
    expect(formStep(FLOW, 'visit')).toContain('    on_fail: out');
  });

  it('stand behind the step with the cursor', () => {
    const behind = (cursor: number) => withStep(FLOW, cursor, ['- id: new', '  end: {}']).source;
    const hello = behind(FLOW.indexOf('say'));
    expect(hello).toContain(
      'say: {text: Hi}\n\n  - id: new\n    end: {}\n\n  # What it is about.\n  - id: topic',
    );
    expect(behind(0).indexOf('id: new')).toBeLessThan(behind(0).indexOf('id: hello'));
    expect(behind(FLOW.length).trimEnd().endsWith('- id: new\n    end: {}')).toBe(true);
    const { source, cursor } = withStep(FLOW, FLOW.indexOf('say'), ['- id: new', '  end: {}']);
    expect(source.slice(0, cursor).endsWith('end: {}')).toBe(true);
  });
});
