import { lazy, Suspense, type ReactNode } from 'react';

const Dialog = lazy(() => import('./MediaViewerDialog'));

/** A picture or film that can be looked at. */
export interface Viewable {
  id: string;
  kind: 'image' | 'video';
  url: string;
  /** What it is called: the caption, or its kind. */
  title: string;
  /** Who sent it and when. */
  note: string;
  /** A way to where it was sent. */
  link?: ReactNode;
}

export interface ViewerProps {
  items: Viewable[];
  /** Id of the one that is shown. */
  shown: string;
  onShow: (id: string) => void;
  onClose: () => void;
}

/** Shows pictures and films one at a time. Loaded when the first one is looked at. */
export function MediaViewer(props: ViewerProps) {
  return (
    <Suspense fallback={null}>
      <Dialog {...props} />
    </Suspense>
  );
}
