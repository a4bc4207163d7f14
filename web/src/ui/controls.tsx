import {
  ActionIcon,
  Button as MantineButton,
  type ButtonProps,
  Checkbox as MantineCheckbox,
  type CheckboxProps,
  NativeSelect,
  type NativeSelectProps,
  PasswordInput,
  type PasswordInputProps,
  Textarea,
  type TextareaProps,
  TextInput,
  type TextInputProps,
} from '@mantine/core';
import type { ButtonHTMLAttributes, ReactNode, Ref } from 'react';
import { lastOf } from '@/lib/local-time';

type NativeButton = Omit<ButtonHTMLAttributes<HTMLButtonElement>, keyof ButtonProps>;
type Emphasis = 'primary' | 'secondary' | 'quiet' | 'danger';

const VARIANTS: Record<Emphasis, ButtonProps> = {
  primary: { variant: 'filled' },
  secondary: { variant: 'default' },
  quiet: { variant: 'subtle', color: 'gray' },
  danger: { variant: 'filled', color: 'red' },
};

export interface AppButtonProps extends Omit<ButtonProps, 'variant' | 'color'>, NativeButton {
  emphasis?: Emphasis;
}

export function Button({ emphasis = 'primary', type = 'button', ...rest }: AppButtonProps) {
  return <MantineButton type={type} {...VARIANTS[emphasis]} {...rest} />;
}

export interface IconButtonProps extends Omit<
  ButtonHTMLAttributes<HTMLButtonElement>,
  'color' | 'style'
> {
  /** Names the button for everybody: it is the accessible name and the tooltip. */
  label: string;
  children: ReactNode;
  keys?: string;
  size?: number;
}

export function IconButton({ label, children, keys, size, ...rest }: IconButtonProps) {
  return (
    <ActionIcon
      aria-label={label}
      title={keys === undefined ? label : `${label} (${keys.toUpperCase()})`}
      {...(size === undefined ? {} : { size })}
      {...rest}
    >
      {children}
    </ActionIcon>
  );
}

export function TextField(props: TextInputProps & { ref?: Ref<HTMLInputElement> }) {
  const max = lastOf(props.type);
  return <TextInput {...(max === undefined ? {} : { max })} {...props} />;
}

export function PasswordField(props: PasswordInputProps & { ref?: Ref<HTMLInputElement> }) {
  return (
    <PasswordInput visibilityToggleButtonProps={{ 'aria-label': 'Show password' }} {...props} />
  );
}

export function TextArea(props: TextareaProps & { ref?: Ref<HTMLTextAreaElement> }) {
  return <Textarea {...props} />;
}

export function SelectField(props: NativeSelectProps) {
  return <NativeSelect {...props} />;
}

export function CheckField(props: CheckboxProps) {
  return <MantineCheckbox {...props} />;
}
