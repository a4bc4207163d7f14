export { uploadMedia } from './api';
export { SlotFields } from './SlotFields';
export { TemplateCards, TemplateOffer } from './TemplateCards';
export { TemplatePreview } from './TemplatePreview';
export {
  beginning,
  bodyValues,
  fillTemplate,
  isComplete,
  NO_FILLING,
  toContent,
  type Filling,
} from './template-filling';
