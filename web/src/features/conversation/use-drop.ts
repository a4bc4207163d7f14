import { useEffect, useRef, useState } from 'react';

/**
 * Takes files that are dropped anywhere on the conversation. Gives where to listen, and whether
 * something is held over it.
 */
export function useDrop(onFiles: ((files: File[]) => void) | null) {
  const anchor = useRef<HTMLDivElement>(null);
  const [over, setOver] = useState<'yes' | 'no'>('no');
  const latest = useRef(onFiles);
  useEffect(() => {
    latest.current = onFiles;
  });
  const active = onFiles !== null;
  useEffect(() => {
    const area = anchor.current?.closest<HTMLElement>('[data-drop-area]') ?? anchor.current;
    if (area === null || !active) return;
    // Entering a child leaves its parent: only when all were left nothing is held over the area.
    let depth = 0;
    const holdsFiles = (event: DragEvent) => event.dataTransfer?.types.includes('Files') === true;
    const enter = (event: DragEvent) => {
      if (!holdsFiles(event)) return;
      event.preventDefault();
      depth += 1;
      setOver('yes');
    };
    const move = (event: DragEvent) => {
      if (holdsFiles(event)) event.preventDefault();
    };
    const leave = (event: DragEvent) => {
      if (!holdsFiles(event)) return;
      depth = Math.max(0, depth - 1);
      if (depth === 0) setOver('no');
    };
    const drop = (event: DragEvent) => {
      if (!holdsFiles(event)) return;
      event.preventDefault();
      depth = 0;
      setOver('no');
      latest.current?.([...(event.dataTransfer?.files ?? [])]);
    };
    area.addEventListener('dragenter', enter);
    area.addEventListener('dragover', move);
    area.addEventListener('dragleave', leave);
    area.addEventListener('drop', drop);
    return () => {
      area.removeEventListener('dragenter', enter);
      area.removeEventListener('dragover', move);
      area.removeEventListener('dragleave', leave);
      area.removeEventListener('drop', drop);
      setOver('no');
    };
  }, [active]);
  return { anchor, over };
}
