import { useEffect } from 'react';
import type { LiveEvent } from '@/api/events';
import { onLiveEvent, useLive } from '@/live';

/** Number in the tab's title, and a desktop note while nobody looks at the page. */
export function useAlerts(path: string): void {
  const attention = useLive((state) => {
    let sum = Object.keys(state.offers).length + state.unreadMentions;
    for (const session of Object.values(state.sessions)) {
      if (session.agent?.id === state.user?.id && session.state !== 'ended')
        sum += session.unread_count;
    }
    return sum;
  });
  const place = placeName(path);
  useEffect(() => {
    document.title = `${attention > 0 ? `(${attention}) ` : ''}${place} · Segue`;
  }, [attention, place]);

  useEffect(() => onLiveEvent(noteWhenHidden), []);
}

function placeName(path: string): string {
  const first = path.split('/')[1] ?? '';
  return (
    {
      inbox: 'Inbox',
      mentions: 'Mentions',
      campaigns: 'Campaigns',
      contacts: 'Contacts',
      consent: 'Consent',
      imports: 'Imports',
      search: 'Messages',
      segments: 'Segments',
      tables: 'Data tables',
      setup: 'Setup',
    }[first] ?? 'Console'
  );
}

function noteWhenHidden(event: LiveEvent): void {
  if (!document.hidden || !('Notification' in window) || Notification.permission !== 'granted')
    return;
  if (event.type === 'mention.created') {
    show('A colleague called you', 'Open your mentions to read the note.', event.data.session_id);
  } else if (event.type === 'offer.created') {
    show('New conversation', event.data.offer.session.customer.name, event.data.offer.session_id);
  } else if (event.type === 'message.created' && event.data.message.direction === 'inbound') {
    const { session, message } = event.data;
    if (session.agent?.id === useLive.getState().user?.id) {
      show(session.customer.name, message.text, session.id);
    }
  }
}

function show(title: string, body: string, sessionId: string): void {
  // The tag lets several tabs show one note only.
  const note = new Notification(title, { body, tag: sessionId });
  note.onclick = () => {
    window.focus();
    note.close();
  };
}
