import { apiUrl, newKey, reportSignedOut, userHeader } from './client';
import { ApiError, NETWORK_ERROR, type ProblemDocument } from './errors';

export interface UploadOptions {
  /** From 0 to 1, as the bytes leave. */
  onProgress?: (part: number) => void;
  signal?: AbortSignal;
}

/** Sends a file and tells how far it is, which `fetch` cannot. An aborted one ends with an `AbortError`. */
export function uploadFile<T>(path: string, file: File, options: UploadOptions = {}): Promise<T> {
  const { onProgress, signal } = options;
  return new Promise((resolve, reject) => {
    const aborted = () => reject(new DOMException('The upload was stopped.', 'AbortError'));
    if (signal?.aborted === true) return aborted();
    const request = new XMLHttpRequest();
    request.open('POST', apiUrl(path));
    request.setRequestHeader('Accept', 'application/json');
    request.setRequestHeader('X-Segue-Csrf', '1');
    for (const [name, value] of Object.entries(userHeader())) request.setRequestHeader(name, value);
    request.setRequestHeader('Idempotency-Key', newKey());
    request.upload.addEventListener('progress', (event) => {
      if (event.lengthComputable && event.total > 0) onProgress?.(event.loaded / event.total);
    });
    request.addEventListener('error', () => reject(new ApiError(0, NETWORK_ERROR)));
    request.addEventListener('timeout', () => reject(new ApiError(0, NETWORK_ERROR)));
    request.addEventListener('abort', aborted);
    request.addEventListener('load', () => {
      let answer: unknown;
      try {
        answer = JSON.parse(request.responseText);
      } catch {
        answer = undefined;
      }
      if (request.status >= 200 && request.status < 300) return resolve(answer as T);
      if (request.status === 401) reportSignedOut();
      reject(new ApiError(request.status, (answer ?? {}) as ProblemDocument));
    });
    signal?.addEventListener('abort', () => request.abort());
    const form = new FormData();
    form.append('file', file, file.name);
    request.send(form);
  });
}
