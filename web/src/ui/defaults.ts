import {
  ActionIcon,
  Button,
  Checkbox,
  Modal,
  NativeSelect,
  PasswordInput,
  Textarea,
  TextInput,
} from '@mantine/core';

const field = { size: 'sm' } as const;

export const componentDefaults = {
  ActionIcon: ActionIcon.extend({ defaultProps: { variant: 'subtle', color: 'gray', size: 32 } }),
  Button: Button.extend({ defaultProps: { size: 'sm', radius: 'md' } }),
  Checkbox: Checkbox.extend({ defaultProps: { size: 'sm' } }),
  // Locking the page scroll would write a <style> element; the page itself never scrolls anyway.
  Modal: Modal.extend({ defaultProps: { lockScroll: false, centered: true, radius: 'lg' } }),
  NativeSelect: NativeSelect.extend({ defaultProps: field }),
  PasswordInput: PasswordInput.extend({ defaultProps: field }),
  Textarea: Textarea.extend({ defaultProps: field }),
  TextInput: TextInput.extend({ defaultProps: field }),
};
