import { IconBrandWhatsapp } from '@tabler/icons-react';
import type { TextFile } from '@/api/types';
import { textFileUrl } from './api';
import { isPicture } from './media';
import css from './phone.module.css';

const LINK = /(https?:\/\/\S+)/g;

interface PhonePreviewProps {
  sender: string;
  text: string;
  prefilled: string | null;
  /** Pictures and files above the text. */
  files: TextFile[];
}

/** What the customer sees: the text, and the message that waits in WhatsApp after the tap. */
export function PhonePreview({ sender, text, prefilled, files }: PhonePreviewProps) {
  return (
    <figure className={css.phone} aria-label="Preview on a phone">
      <div className={css.screen}>
        <div className={css.top}>{sender === '' ? 'Your sender' : sender}</div>
        <div className={css.messages}>
          {files.map((file) =>
            isPicture(file) ? (
              <img
                key={file.id}
                className={css.picture}
                src={textFileUrl(file.id)}
                alt={file.file_name ?? 'Picture'}
                data-testid="preview-picture"
              />
            ) : (
              <p key={file.id} className={css.sms}>
                {file.file_name ?? file.mime}
              </p>
            ),
          )}
          {text === '' && files.length > 0 ? null : text === '' ? (
            <p className={css.hint}>Your text appears here as the customer gets it.</p>
          ) : (
            <p className={css.sms}>
              {text
                .split(LINK)
                .map((part, index) => (index % 2 === 1 ? <u key={index}>{part}</u> : part))}
            </p>
          )}
          {prefilled !== null && text !== '' && (
            <>
              <p className={css.then}>
                <IconBrandWhatsapp size={15} aria-hidden="true" /> after the tap, in WhatsApp
              </p>
              <p className={css.chat}>
                {prefilled === '' ? '…' : prefilled}
                <small>waits to be sent by the customer</small>
              </p>
            </>
          )}
        </div>
      </div>
    </figure>
  );
}
