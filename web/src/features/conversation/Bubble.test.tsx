// @vitest-environment happy-dom
import { cleanup, render, screen, within } from '@testing-library/react';
import { describe, expect, it } from 'vitest';
import { message } from '@/live/fixtures';
import { Bubble } from './Bubble';
import { fillTemplate } from '@/shared/templates';

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

  it('shows a place with a way to the map and not its text again', () => {
    const place = { latitude: 52.5, longitude: 13.4, name: 'Shop', address: 'Main St' };
    const bubble = show({
      kind: 'location',
      text: '[Location] Shop',
      details: { place },
    });
    expect(bubble.textContent).toContain('Main St');
    expect(bubble.textContent).not.toContain('[Location]');
    expect(within(bubble).getByRole('link').getAttribute('href')).toContain('mlat=52.5');
  });

  it('shows cards, orders and answers of forms line by line', () => {
    const bubble = show({
      kind: 'order',
      text: '[Order] 1 item(s)',
      details: {
        cards: [
          { name: 'Bo', phones: ['+1 555'], emails: [], organisation: 'Cook, Acme', own: false },
        ],
        order: [{ product: 'tee', quantity: 2, price: 9.5, currency: 'EUR' }],
        form: [{ field: 'shirt_size', answer: 'M' }],
      },
    });
    expect(bubble.textContent).toContain('+1 555');
    expect(bubble.textContent).toContain('2 × tee');
    expect(bubble.textContent).toMatch(/Total.*19[.,]00/);
    expect(within(bubble).getByText('shirt size').tagName).toBe('DT');
  });

  it('says what was edited, forwarded, reacted, and written elsewhere', () => {
    expect(show({ details: { edited: true } }).textContent).toContain('Edited');
    cleanup();
    expect(show({ details: { forwarded: true } }).textContent).toContain('Forwarded');
    cleanup();
    expect(show({ kind: 'reaction', text: '' }).textContent).toContain('Took a reaction back');
    cleanup();
    const author = { kind: 'agent' as const, name: null };
    const echo = show({
      direction: 'outbound',
      author,
      state: null,
      details: { written_in_app: true },
    });
    expect(echo.textContent).toContain('WhatsApp Business app');
  });

  it('shows the earlier words of an edited message, and that one was deleted', () => {
    const earlier = [{ text: 'At one', at: '2026-11-27T12:00:00Z' }];
    const edited = show({ text: 'At two', details: { edited: true, earlier } });
    expect(within(edited).getByTestId('message-earlier').textContent).toContain('At one');
    expect(edited.textContent).toContain('At two');
    cleanup();
    const gone = show({ text: '', details: { deleted_at: '2026-11-27T12:00:00Z' } });
    expect(gone.textContent).toContain('The customer deleted this message');
    cleanup();
    const kept = show({ text: 'Kept', details: { deleted_at: '2026-11-27T12:00:00Z' } });
    expect(kept.textContent).toContain('it is kept here');
    expect(kept.textContent).toContain('Kept');
  });

  it('never links an advertisement to anything but a web page', () => {
    const came_from = {
      kind: 'ad',
      headline: 'June',
      body: null,
      url: 'javascript:alert(1)',
      source_id: null,
      click_id: null,
    };
    const bubble = show({ details: { came_from } });
    expect(bubble.textContent).toContain('Came from an advertisement: June');
    expect(bubble.querySelector('a')).toBeNull();
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
