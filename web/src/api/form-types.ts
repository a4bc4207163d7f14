/** A form of the business at WhatsApp, which Meta calls a flow. */
export interface WhatsAppForm {
  id: string;
  channel_id: string;
  /** WhatsApp's id of it. */
  provider_id: string;
  name: string;
  /** WhatsApp's word; only `PUBLISHED` can be sent. */
  status: string;
  categories: string[];
  synced_at: string;
}
