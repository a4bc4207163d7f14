import { notifications } from '@mantine/notifications';
import { errorWords } from '@/api/errors';
import css from './css/notify.module.css';

function show(kind: 'good' | 'bad' | 'plain', title: string, message: string, autoClose: number) {
  notifications.show({
    title,
    message,
    autoClose,
    withBorder: true,
    radius: 'md',
    classNames: { root: `${css.root} ${css[kind]}`, title: css.title ?? '', description: css.text ?? '' },
    closeButtonProps: { 'aria-label': 'Close message' },
  });
}

/** Short messages at the edge of the screen, for results that have no place of their own. */
export const notify = {
  done: (title: string, message = '') => show('good', title, message, 4000),
  info: (title: string, message = '') => show('plain', title, message, 6000),
  failure: (error: unknown) => {
    const words = errorWords(error);
    const code = words.code === null ? '' : ` (${words.code})`;
    show('bad', words.title, `${words.message === words.title ? '' : words.message}${code}`, 9000);
  },
  problem: (title: string, message: string) => show('bad', title, message, 9000),
};
