import {
  IconDownload,
  IconFile,
  IconMicrophone,
  IconMusic,
  IconPhotoOff,
  IconPlayerPlay,
} from '@tabler/icons-react';
import { useInfiniteQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useState } from 'react';
import { fetchAttachments } from '@/api/attachments';
import { keys } from '@/api/query-keys';
import type { Attachment } from '@/api/types';
import { describeFile } from '@/lib/files';
import { formatDateTime } from '@/lib/time';
import { Button } from './controls';
import css from './css/files.module.css';
import { SkeletonRows } from './display';
import { Failure } from './ErrorBoundary';
import type { FileListProps } from './FileList';
import { MediaViewer, type Viewable } from './MediaViewer';

const WORDS: Partial<Record<Attachment['kind'], string>> = {
  image: 'Picture',
  sticker: 'Sticker',
  video: 'Video',
  audio: 'Audio',
  document: 'Document',
};

const titleOf = (file: Attachment) =>
  file.media.file_name ??
  (file.text === '' ? (file.voice ? 'Voice message' : (WORDS[file.kind] ?? 'File')) : file.text);

const whoSent = (file: Attachment) =>
  file.direction === 'inbound' ? (file.customer ?? 'Customer') : (file.author.name ?? 'Bot');

const canBeViewed = (file: Attachment) =>
  file.media.presence === 'stored' && ['image', 'sticker', 'video'].includes(file.kind);

function Thumbnail({ file }: { file: Attachment }) {
  const isPicture = file.kind === 'image' || file.kind === 'sticker';
  if (file.media.presence !== 'stored') return <IconPhotoOff size={20} aria-hidden="true" />;
  if (isPicture) return <img src={file.media.url} alt="" loading="lazy" />;
  if (file.kind === 'video') return <IconPlayerPlay size={20} aria-hidden="true" />;
  if (file.kind === 'audio')
    return file.voice ? (
      <IconMicrophone size={20} aria-hidden="true" />
    ) : (
      <IconMusic size={20} aria-hidden="true" />
    );
  return <IconFile size={20} aria-hidden="true" />;
}

/** Files that came and went, the latest first, each with a way to its message. */
export default function FileListBody({ scope, page, empty }: FileListProps) {
  const [shown, setShown] = useState<string | null>(null);
  const query = useInfiniteQuery({
    queryKey: keys.files(JSON.stringify(scope)),
    queryFn: ({ pageParam, signal }) => fetchAttachments(scope, pageParam, page, signal),
    initialPageParam: null as string | null,
    getNextPageParam: (last) => last.next_cursor,
  });
  if (query.isError) return <Failure error={query.error} onRetry={() => void query.refetch()} />;
  if (query.data === undefined) return <SkeletonRows rows={3} height={52} />;
  const files = query.data.pages.flatMap((each) => each.data);
  if (files.length === 0) return <p className={css.empty}>{empty}</p>;
  const viewable: Viewable[] = files.filter(canBeViewed).map((file) => ({
    id: file.message_id,
    kind: file.kind === 'video' ? 'video' : 'image',
    url: file.media.url,
    title: titleOf(file),
    note: `${whoSent(file)} · ${formatDateTime(file.at)}`,
    link: <MessageLink file={file} onFollow={() => setShown(null)} />,
  }));
  return (
    <>
      <ul className={css.files} data-testid="file-list">
        {files.map((file) => (
          <li key={file.message_id} data-testid="file-entry" data-kind={file.kind}>
            {canBeViewed(file) ? (
              <button
                type="button"
                className={css.thumbnail}
                onClick={() => setShown(file.message_id)}
                aria-label={`Look at ${titleOf(file)}`}
                data-testid="file-view"
              >
                <Thumbnail file={file} />
              </button>
            ) : (
              <span className={css.thumbnail}>
                <Thumbnail file={file} />
              </span>
            )}
            <span className={css.words}>
              <MessageLink file={file} words={titleOf(file)} />
              <span>{formatDateTime(file.at)}</span>
              <span>
                {whoSent(file)} · {about(file)}
              </span>
            </span>
            {file.media.presence === 'stored' && (
              <a
                className={css.download}
                href={`${file.media.url}?download=1`}
                download
                aria-label={`Download ${titleOf(file)}`}
                title="Download"
              >
                <IconDownload size={18} aria-hidden="true" />
              </a>
            )}
          </li>
        ))}
      </ul>
      {query.hasNextPage && (
        <Button
          emphasis="secondary"
          size="xs"
          loading={query.isFetchingNextPage}
          onClick={() => void query.fetchNextPage()}
          data-testid="files-more"
        >
          Show more
        </Button>
      )}
      {shown !== null && (
        <MediaViewer
          items={viewable}
          shown={shown}
          onShow={setShown}
          onClose={() => setShown(null)}
        />
      )}
    </>
  );
}

function about(file: Attachment): string {
  if (file.media.presence === 'pending') return 'Still on its way';
  if (file.media.presence === 'failed') return 'Could not be fetched';
  if (file.media.presence === 'checking') return 'Being checked for viruses';
  if (file.media.presence === 'infected') return 'Held a virus and was removed';
  if (file.media.presence === 'unchecked') return 'Could not be checked for viruses';
  return describeFile(file.media.file_name, file.media.mime, file.media.size);
}

function MessageLink(props: { file: Attachment; words?: string; onFollow?: () => void }) {
  const { file, words = 'Show the message', onFollow } = props;
  return (
    <Link
      to="/inbox/$sessionId"
      params={{ sessionId: file.session_id }}
      search={{ message: file.message_id }}
      onClick={onFollow}
      data-testid="file-message"
    >
      {words}
    </Link>
  );
}
