export { clearAttachments, keepAttachmentsOf } from './attachments';
export { ConversationPane } from './ConversationPane';
