export { ActionMenu, type MenuEntry } from './ActionMenu';
export { announce, Announcer } from './announcer';
export { AppTheme, useScheme, type Scheme } from './AppTheme';
export {
  Button,
  CheckField,
  IconButton,
  PasswordField,
  SelectField,
  TextArea,
  TextField,
} from './controls';
export { DataTable, type TableColumn } from './DataTable';
export { ConfirmDialog, Dialog, DialogActions, useDialog } from './Dialog';
export {
  Avatar,
  EmptyState,
  Keys,
  Mark,
  Notice,
  ProgressBar,
  Skeleton,
  SkeletonRows,
  Tag,
  type Tone,
} from './display';
export { ErrorBoundary, Failure } from './ErrorBoundary';
export { DateField, MomentField, NumberField, type Typed } from './fields';
export { FileList } from './FileList';
export { MediaViewer, type Viewable } from './MediaViewer';
export { Card, Facts, Page, Row, Stack } from './layout';
export { LeaveDialog, useLeave } from './LeaveDialog';
export { notify } from './notify';
export { PickField, type Rest } from './PickField';
export { ChoiceTabs } from './Tabs';
export { WordsField } from './WordsField';
