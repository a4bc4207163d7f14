// @vitest-environment happy-dom
import { render, screen, within } from '@testing-library/react';
import { describe, expect, it } from 'vitest';
import { message } from '@/live/fixtures';
import { Bubble } from './Bubble';
import { fillTemplate } from './TemplatePicker';

function show(overrides: Parameters<typeof message>[1]) {
  render(
    <ol>
      <Bubble message={message('msg_1', overrides)} quoted={null} lead="yes" ownName="Ada" />
    </ol>,
  );
  return screen.getByTestId('message-bubble');
}

describe('Bubble', () => {
  it('names the state of an outbound message in words', () => {
    const bubble = show({ direction: 'outbound', state: 'delivered' });
    expect(bubble.dataset).toMatchObject({ direction: 'outbound', state: 'delivered' });
    expect(within(bubble).getByText('Delivered')).toBeTruthy();
  });

  it('gives the reason and the advice of a failure', () => {
    const error = { code: '131047', reason: 'Window closed', advice: 'Send a template.' };
    const bubble = show({ direction: 'outbound', state: 'failed', error });
    expect(within(bubble).getByRole('alert').textContent).toContain(
      'Window closed Send a template. (131047)',
    );
    // Confirmed by the server: a repeat would be a second message, so it is not offered here.
    expect(within(bubble).queryByRole('button')).toBeNull();
  });

  it('says that an unknown outcome is not repeated', () => {
    expect(show({ direction: 'outbound', state: 'unknown' }).textContent).toMatch(
      /not sent again by itself/,
    );
  });

  it('never turns text into markup or script links', () => {
    const bubble = show({ text: '<b>x</b> javascript:alert(1) https://a.example/x.' });
    expect(bubble.querySelector('b')).toBeNull();
    const links = [...bubble.querySelectorAll('a')].map((link) => link.getAttribute('href'));
    expect(links).toEqual(['https://a.example/x']);
  });

  it('shows the buttons that were offered', () => {
    const bubble = show({ kind: 'buttons', buttons: [{ id: '1', title: 'An order' }] });
    expect(within(bubble).getByText('An order')).toBeTruthy();
  });
});

describe('fillTemplate', () => {
  it('fills parameters by number and leaves gaps visible', () => {
    expect(fillTemplate('Hi {{1}}, order {{ 2 }} for {{1}}', ['Maria', ''])).toBe(
      'Hi Maria, order {{ 2 }} for Maria',
    );
  });
});
