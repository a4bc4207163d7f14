import { Modal } from '@mantine/core';
import { IconChevronLeft, IconChevronRight, IconDownload, IconX } from '@tabler/icons-react';
import { useEffect, useState, type KeyboardEvent } from 'react';
import { IconButton } from './controls';
import css from './css/viewer.module.css';
import type { ViewerProps } from './MediaViewer';

/** Shows pictures and films one at a time; the arrow keys lead to the next, Escape leads back. */
export default function MediaViewerDialog({ items, shown, onShow, onClose }: ViewerProps) {
  // What had the focus gets it back, however the viewer goes away.
  const [opener] = useState(() => document.activeElement);
  useEffect(
    () => () => {
      if (opener instanceof HTMLElement && opener.isConnected) opener.focus();
    },
    [opener],
  );
  const index = Math.max(
    0,
    items.findIndex((item) => item.id === shown),
  );
  const item = items[index];
  const go = (step: -1 | 1) => {
    const next = items[index + step];
    if (next !== undefined) onShow(next.id);
  };
  const onKeyDown = (event: KeyboardEvent) => {
    // In a film the arrows move in the film.
    if (event.target instanceof HTMLVideoElement) return;
    if (event.key === 'ArrowLeft') go(-1);
    else if (event.key === 'ArrowRight') go(1);
    else return;
    event.preventDefault();
  };
  if (item === undefined) return null;
  const place = `${index + 1} of ${items.length}`;
  return (
    <Modal
      opened
      onClose={onClose}
      fullScreen
      withCloseButton={false}
      transitionProps={{ duration: 0 }}
      aria-label="Pictures and films"
      classNames={{ content: css.content ?? '', body: css.body ?? '' }}
      onKeyDown={onKeyDown}
      data-testid="media-viewer"
    >
      <div className={css.head}>
        <div className={css.words} aria-live="polite">
          <strong>{item.title}</strong>
          <span>
            <span data-testid="viewer-place">{place}</span> · {item.note}
          </span>
        </div>
        {item.link}
        <a
          className={css.tool}
          href={`${item.url}?download=1`}
          download
          aria-label="Download"
          title="Download"
        >
          <IconDownload size={20} aria-hidden="true" />
        </a>
        <IconButton
          label="Close"
          onClick={onClose}
          size={36}
          data-autofocus
          data-testid="viewer-close"
        >
          <IconX size={20} />
        </IconButton>
      </div>
      <div className={css.stage}>
        <IconButton
          label="Previous"
          onClick={() => go(-1)}
          disabled={index === 0}
          size={44}
          data-testid="viewer-previous"
        >
          <IconChevronLeft size={24} />
        </IconButton>
        <div className={css.shown}>
          {item.kind === 'video' ? (
            <video key={item.id} src={item.url} controls playsInline aria-label={item.title} />
          ) : (
            <img key={item.id} src={item.url} alt={item.title} data-testid="viewer-image" />
          )}
        </div>
        <IconButton
          label="Next"
          onClick={() => go(1)}
          disabled={index === items.length - 1}
          size={44}
          data-testid="viewer-next"
        >
          <IconChevronRight size={24} />
        </IconButton>
      </div>
    </Modal>
  );
}
