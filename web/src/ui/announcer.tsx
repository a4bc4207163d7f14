import { create } from 'zustand';

const useAnnouncement = create<{ text: string }>(() => ({ text: '' }));

/** Speaks one short sentence to screen readers, apart from lists that must not be read out again. */
export function announce(text: string): void {
  useAnnouncement.setState({ text: '' });
  setTimeout(() => useAnnouncement.setState({ text }), 30);
}

export function Announcer() {
  const text = useAnnouncement((state) => state.text);
  return (
    <div className="sr-only" role="status" aria-live="polite">
      {text}
    </div>
  );
}
