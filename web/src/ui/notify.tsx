import { IconX } from '@tabler/icons-react';
import { create } from 'zustand';
import { errorWords } from '@/api/errors';
import css from './css/notify.module.css';

interface Toast {
  id: number;
  kind: 'good' | 'bad' | 'plain';
  title: string;
  text: string;
}

const useToasts = create<{ toasts: Toast[] }>(() => ({ toasts: [] }));
const MAX_TOASTS = 4;
let lastId = 0;

function remove(id: number): void {
  useToasts.setState(({ toasts }) => ({ toasts: toasts.filter((toast) => toast.id !== id) }));
}

function show(kind: Toast['kind'], title: string, text: string, ms: number): void {
  lastId += 1;
  const toast = { id: lastId, kind, title, text };
  // The same news twice is still one piece of news.
  useToasts.setState(({ toasts }) => ({
    toasts: [...toasts.filter((each) => each.title !== title || each.text !== text), toast].slice(
      -MAX_TOASTS,
    ),
  }));
  setTimeout(() => remove(toast.id), ms);
}

/** Short messages at the edge of the screen, for results that have no place of their own. */
export const notify = {
  done: (title: string, text = '') => show('good', title, text, 4000),
  info: (title: string, text = '') => show('plain', title, text, 6000),
  problem: (title: string, text: string) => show('bad', title, text, 10_000),
  failure: (error: unknown) => {
    const words = errorWords(error);
    const code = words.code === null ? '' : ` (${words.code})`;
    show(
      'bad',
      words.title,
      `${words.message === words.title ? '' : words.message}${code}`.trim(),
      10_000,
    );
  },
};

export function Toasts() {
  const toasts = useToasts((state) => state.toasts);
  return (
    <div className={css.region} aria-live="polite" role="status">
      {toasts.map((toast) => (
        <div key={toast.id} className={css.toast} data-kind={toast.kind} data-testid="toast">
          <div>
            <p className={css.title}>{toast.title}</p>
            {toast.text !== '' && <p className={css.text}>{toast.text}</p>}
          </div>
          <button type="button" aria-label="Close message" onClick={() => remove(toast.id)}>
            <IconX size={15} aria-hidden="true" />
          </button>
        </div>
      ))}
    </div>
  );
}
