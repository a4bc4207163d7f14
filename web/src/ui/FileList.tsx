import { lazy, Suspense } from 'react';
import type { AttachmentScope } from '@/api/attachments';
import { SkeletonRows } from './display';

const Body = lazy(() => import('./FileListBody'));

export interface FileListProps {
  scope: AttachmentScope;
  /** How many are shown at first, and with each further step. */
  page: number;
  /** What is said when there is none. */
  empty: string;
}

/** Files that came and went, the latest first. Loaded when it is first shown. */
export function FileList(props: FileListProps) {
  return (
    <Suspense fallback={<SkeletonRows rows={3} height={52} />}>
      <Body {...props} />
    </Suspense>
  );
}
